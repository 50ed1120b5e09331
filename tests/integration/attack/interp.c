/* SPDX-License-Identifier: Apache-2.0 */
/* interp.c: linked so that its dynamic linker is /proc/self/exe: the kernel then maps, in its
 * place, the program of whoever executes it. */
int main(void)
{
	return 0;
}
