/* SPDX-License-Identifier: Apache-2.0 */
/* seal_image.S: the trampoline program, as made by the build, inside husk. */
	.section .rodata
	.balign 16
	.globl trampoline_image
	.globl trampoline_image_end
trampoline_image:
	.incbin "trampoline.elf"
trampoline_image_end:
	.section .note.GNU-stack, "", %progbits
