// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "body.h"
#include "keystore.h"
#include "presentation.h"
#include "tsprogram.h"

namespace decryptedbody {

// The body of an encrypted resource as it was before. The key must have been
// had before: nothing is waited for here but bytes.
[[nodiscard]] body::Result<std::unique_ptr<body::Body>> make (
    std::unique_ptr<body::Body> encrypted,
    const presentation::Encryption &encryption, const keystore::Key &key);

// What the initialization of MPEG-TS says of programs. Null: it is not
// MPEG-TS, or there is none.
using Programs = std::shared_ptr<const tsprogram::Programs>;

// The body of a segment whose samples are encrypted, as long as before: MPEG-TS
// and packed audio in the clear, anything else as it is.
[[nodiscard]] body::Result<std::unique_ptr<body::Body>> make_samples (
    std::unique_ptr<body::Body> encrypted,
    const presentation::Encryption &encryption, const keystore::Key &key,
    const Programs &programs);

// The body of an initialization of such segments, as long as before: MPEG-TS
// with the programs as they are in the clear, anything else as it is. programs:
// set at its end; outlives it.
[[nodiscard]] std::unique_ptr<body::Body> make_map (
    std::unique_ptr<body::Body> body, Programs &programs);

}  // namespace decryptedbody
