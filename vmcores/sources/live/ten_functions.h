/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the ten functions and their replacements return. */
#ifndef TEN_FUNCTIONS_H
#define TEN_FUNCTIONS_H

#define TEN_ORIGINAL 1000
#define TEN_REPLACEMENT 2000

/* LEAF(i) uses no global data, so that it is a leaf function without TOC; GLOBAL(i) does. */
#define TEN_FUNCTIONS(LEAF, GLOBAL)						\
	LEAF(0) GLOBAL(1) LEAF(2) GLOBAL(3) LEAF(4)				\
	GLOBAL(5) LEAF(6) GLOBAL(7) LEAF(8) GLOBAL(9)

#endif
