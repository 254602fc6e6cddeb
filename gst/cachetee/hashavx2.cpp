// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hashfunctions.h"

namespace hash {

const Functions avx2{once, update};

}  // namespace hash
