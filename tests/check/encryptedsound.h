// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "testmp4.h"

namespace test {

inline constexpr const char *sound_kid = "eb676abbcb345e96bbcf616630f1a3da";
inline constexpr const char *sound_key = "100b6c20940f779a4589152b57d2dacb";

inline void rename_box (Bytes &file, std::string_view from, std::string_view to)
{
  auto at =
      std::search (file.begin (), file.end (), from.begin (), from.end ());
  fail_unless (at != file.end ());
  std::copy (to.begin (), to.end (), at);
}

// Encrypted sound of a kind that nobody has to parse or decode. qtdemux puts
// samples of less than 4096 bytes together, encrypted or not.
inline Bytes encrypted_sound (bool has_pssh, const char *scheme)
{
  TestTrack track;
  track.scheme = {scheme, block (sound_key)};
  track.kid = block (sound_kid);
  if (strcmp (scheme, "cbcs") == 0) {
    track.iv_size = 0;
    track.constant_iv = block ("0a610676cb88f302d10ac8bc66e039ed");
  }
  TestTraf what;
  what.track = &track;
  what.runs = {whole_samples ({4096, 8000, 6000})};
  TestFile file;
  file.add_movie ({track});
  file.add_fragment ({what});
  rename_box (file.encrypted, "frmamp4a", "frmasowt");
  rename_box (file.encrypted, "esds", "free");
  if (!has_pssh) rename_box (file.encrypted, "pssh", "free");
  return file.encrypted;
}

inline Bytes sound_samples ()
{
  Bytes out;
  for (const TestSample &one : whole_samples ({4096, 8000, 6000}))
    out.insert (out.end (), one.bytes.begin (), one.bytes.end ());
  return out;
}

}  // namespace test
