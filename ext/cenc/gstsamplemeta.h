// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>
#include <vector>

#include "cenc.h"
#include "common/gstpp.h"
#include "keys.h"

// What demuxers say about encryption, in caps, metas and events, and what can
// be done about what they get wrong.
namespace samplemeta {

// application/x-cenc of qtdemux, application/x-webm-enc of matroskademux.
bool is_encrypted (const GstStructure *caps);

// Whether samples of these caps can become something. Those that are not
// encrypted stay what they are, as a stream may turn into in its middle.
bool is_acceptable (const GstStructure *caps);

// Those of the original media type. Any for those of a template, which have no
// type; those that are not encrypted stay.
relay::Owned<GstCaps> decrypted_caps (const GstStructure *caps);
// All that could become these.
relay::Owned<GstCaps> encrypted_caps (const GstStructure *caps);

// What the caps of a stream say.
struct Stream
{
  bool is_clear = false;  // not encrypted at all
  bool is_webm = false;
  std::optional<cenc::Scheme> scheme;  // none: the metas have to say
  bool needs_subsamples = false;       // video with headers that stay clear
};
Stream read_caps (const GstStructure *caps);

// What a meta says.
struct Protection
{
  bool is_encrypted = false;
  bool has_iv = false;
  bool has_constant_iv = false;
  cenc::Scheme scheme = cenc::Scheme::cenc;
  keys::KeyId kid{};
  aes::Block iv{};
  cenc::Pattern pattern;
  relay::Owned<GstBuffer> subsamples;  // none: protected as a whole
};
// Null, or what is wrong.
const char *read_meta (
    const GstStructure *info, const Stream &stream, Protection &out);

// --- What demuxers get wrong, each with the version that has it right. ---

// qtdemux before 1.22.6 and 1.24: is this a clear sample that is marked as an
// encrypted one?
bool is_clear_lead (const Stream &stream, const Protection &protection);

// qtdemux before 1.24 does not read groups of samples ('seig'), and up to now
// (1.28) not those of a track whose fragments have no descriptions of their
// own: the key id of a sample is then that of the track, which is 0 where keys
// change. Who changes keys tells licence servers so by a pssh in the fragment.
class FragmentKeys
{
public:
  // A protection event, before the samples of its fragment; in pull mode one
  // sample earlier.
  void note (GstEvent *event, bool is_pull);
  // A sample comes, of which the meta says this key id.
  keys::KeyId correct (const keys::KeyId &kid);
  void clear ()
  {
    now_.reset ();
    next_.reset ();
  }

private:
  std::optional<keys::KeyId> now_, next_;
};
// A key id that was corrected, and a constant IV that is the track's: there
// both are left to the groups, as zeros, and of their IV nobody tells.
bool lacks_iv (const Protection &protection, const keys::KeyId &corrected);
// Whether the demuxer in front of this pad pulls.
bool is_demuxer_pulling (GstPad *sink);

// qtdemux up to now (1.28), in pull mode: the last sample of a fragment without
// auxiliary information has no meta if the next fragment has some.
class LastOfFragment
{
public:
  void note (const Protection &protection);
  // A sample without a meta: what it should have said, if it is such a one.
  std::optional<Protection> take ();
  void clear () { before_.reset (); }

private:
  std::optional<Protection> before_;
};

// matroskademux (1.22 and all later ones so far): a clear frame of an encrypted
// WebM track has no meta and still has its signal byte, which is 0, in front.
// Takes it off; false if there is none.
bool take_signal_byte (const Stream &stream, relay::Owned<GstBuffer> &buffer);

}  // namespace samplemeta
