// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "aes.h"

// The engines of aes.cpp; null when the library refuses.
namespace aes {

std::unique_ptr<Engine> make_openssl (Mode mode, const Key &key);

// Only where libgcrypt was found.
bool start_gcrypt ();
std::unique_ptr<Engine> make_gcrypt (Mode mode, const Key &key);

}  // namespace aes
