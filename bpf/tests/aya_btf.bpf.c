// SPDX-License-Identifier: MIT OR Apache-2.0
// An object as aya builds it when told to make types: the maps are plain bytes all the same.
#include "aya.h"
