/* SPDX-License-Identifier: Apache-2.0 */
/* nothing.c: the smallest static program, run in a container where the runtime's own memory is measured. */
int main(void)
{
	return 0;
}
