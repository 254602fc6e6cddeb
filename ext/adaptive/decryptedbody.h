// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "body.h"
#include "keystore.h"
#include "presentation.h"

namespace decryptedbody {

// The body of an encrypted resource as it was before. The key must have been
// had before: nothing is waited for here but bytes.
[[nodiscard]] body::Result<std::unique_ptr<body::Body>> make (
    std::unique_ptr<body::Body> encrypted,
    const presentation::Encryption &encryption, const keystore::Key &key);

// The body of a segment whose samples are encrypted, as long as before: MPEG-TS
// and packed audio in the clear, anything else as it is.
[[nodiscard]] body::Result<std::unique_ptr<body::Body>> make_samples (
    std::unique_ptr<body::Body> encrypted,
    const presentation::Encryption &encryption, const keystore::Key &key);

}  // namespace decryptedbody
