// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -g0
// An object as aya builds it: no types.
#include "aya.h"
