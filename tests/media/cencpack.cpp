// SPDX-License-Identifier: LGPL-2.1-or-later

// Encrypts MP4 by ISO/IEC 23001-7 (Common Encryption), for tests: fragmented,
// or progressive with moov first.
//
// Every moov that is met starts a presentation, and the moofs that follow
// belong to it, in the same file or in the next ones. The media bytes are
// encrypted in place, moov and moof grow, and whatever counts bytes over the
// places that grew (trun, tfhd, sidx, tfra) is set right. What is not
// understood is an error: a test must not rest on half a file.
//
// This program shares nothing with the decrypters that it is there to test,
// and makes all modes from the bare AES block, by their definitions.
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Byte = std::uint8_t;
using Bytes = std::vector<Byte>;
using View = std::span<const Byte>;
using Block = std::array<Byte, 16>;

constexpr std::string_view usage =
    R"(usage: cencpack --scheme cenc|cens|cbc1|cbcs --kid HEX --key HEX
                [OPTION...] -o OUT IN...
Encrypts MP4, fragmented or with samples in moov. OUT is a file, or a folder when it exists as one.
IN are whole files, or init and media segments in their order. IVs go on from
file to file and never repeat within one call.

  --iv HEX           first IV; 16 or 32 digits give its size; with cbcs the
                     constant IV (default: 1, in 8 bytes for cenc and cens, in
                     16 bytes for cbc1 and cbcs)
  --per-sample-iv    with cbcs: an IV for each sample, starting at --iv
  --pattern C:S      blocks encrypted and skipped in video, cens and cbcs only
                     (default 1:9)
  --pssh ID[:HEX]    add a version 1 pssh with the KIDs, and these data
  --pssh0 ID[:HEX]   add a version 0 pssh with these data
  --track N=KID:KEY  what track N is encrypted with; other tracks use --kid and
                     --key, or stay clear when there are none
  --unaligned        with cenc: protected ranges of any size
  --clear-lead N     leave N fragments, or chunks, of each track clear ('seig')
  --rotate N         every N fragments, or chunks, rotate KID and key left by
                     one byte ('seig')
)";

std::string current_file;

[[noreturn, gnu::format (printf, 1, 2)]] void die (const char *format, ...)
{
  std::fputs ("cencpack: ", stderr);
  if (!current_file.empty ())
    std::fprintf (stderr, "%s: ", current_file.c_str ());
  va_list arguments;
  va_start (arguments, format);
  std::vfprintf (stderr, format, arguments);
  va_end (arguments);
  std::fputc ('\n', stderr);
  std::exit (EXIT_FAILURE);
}

// ---------------------------------------------------------------------------
// Bytes

// Reads big-endian numbers; the input's end is an error.
class Reader
{
public:
  explicit Reader (View bytes) : bytes_ (bytes) {}

  [[nodiscard]] std::size_t position () const { return position_; }
  [[nodiscard]] std::size_t left () const { return bytes_.size () - position_; }
  View take (std::size_t size)
  {
    if (size > left ()) die ("a box is cut short");
    position_ += size;
    return bytes_.subspan (position_ - size, size);
  }
  void skip (std::size_t size) { take (size); }
  std::uint64_t number (std::size_t size)
  {
    std::uint64_t value = 0;
    for (Byte byte : take (size)) value = value << 8 | byte;
    return value;
  }
  std::uint32_t u32 () { return static_cast<std::uint32_t> (number (4)); }

private:
  View bytes_;
  std::size_t position_ = 0;
};

void put (Bytes &out, std::uint64_t value, std::size_t size)
{
  for (std::size_t i = size; i-- > 0;)
    out.push_back (static_cast<Byte> (value >> (8 * i)));
}

void put (Bytes &out, View bytes)
{
  out.insert (out.end (), bytes.begin (), bytes.end ());
}

void set (Bytes &bytes, std::size_t at, std::uint64_t value, std::size_t size)
{
  for (std::size_t i = 0; i < size; i++)
    bytes.at (at + i) = static_cast<Byte> (value >> (8 * (size - 1 - i)));
}

// ---------------------------------------------------------------------------
// Boxes (ISO/IEC 14496-12 4.2)

struct Box
{
  std::string type;
  std::size_t position;  // of its header, in what it was read from
  View bytes;            // all of it
  std::size_t header;
  [[nodiscard]] View body () const { return bytes.subspan (header); }
  [[nodiscard]] std::size_t end () const { return position + bytes.size (); }
};

std::vector<Box> boxes_in (View bytes)
{
  std::vector<Box> boxes;
  for (std::size_t at = 0; at < bytes.size ();) {
    Reader in (bytes.subspan (at));
    std::uint64_t size = in.u32 ();
    View type = in.take (4);
    if (size == 1)
      size = in.number (8);
    else if (size == 0)
      size = bytes.size () - at;
    if (size < in.position () || size > bytes.size () - at)
      die ("a box at byte %zu has a wrong size", at);
    auto length = static_cast<std::size_t> (size);
    boxes.push_back ({std::string (type.begin (), type.end ()), at,
        bytes.subspan (at, length), in.position ()});
    at += length;
  }
  return boxes;
}

const Box *find (const std::vector<Box> &boxes, std::string_view type)
{
  auto found = std::ranges::find (boxes, type, &Box::type);
  return found == boxes.end () ? nullptr : &*found;
}

// The box at the end of a path of nested boxes.
Box need (View bytes, std::initializer_list<std::string_view> path)
{
  std::optional<Box> box;
  for (std::string_view type : path) {
    std::vector<Box> boxes = boxes_in (box ? box->body () : bytes);
    const Box *found = find (boxes, type);
    if (found == nullptr)
      die ("there is no '%s' box", std::string (type).c_str ());
    box = *found;
  }
  return *box;
}

Bytes box (std::string_view type, View body)
{
  Bytes out;
  put (out, body.size () + 8, 4);
  out.insert (out.end (), type.begin (), type.end ());
  put (out, body);
  return out;
}

Bytes full_box (
    std::string_view type, unsigned version, std::uint32_t flags, View body)
{
  Bytes all;
  put (all, version, 1);
  put (all, flags, 3);
  put (all, body);
  return box (type, all);
}

// ---------------------------------------------------------------------------
// Options

struct Key
{
  Block kid;
  Block key;
};

struct Pssh
{
  Block system;
  Bytes data;
  unsigned version;
};

struct Options
{
  std::string scheme;
  std::optional<Block> kid;
  std::optional<Block> key;
  Bytes iv;
  bool per_sample_iv = false;
  unsigned crypt_byte_block = 1;
  unsigned skip_byte_block = 9;
  bool pattern_given = false;
  std::vector<Pssh> psshs;
  std::map<std::uint32_t, Key> tracks;
  bool unaligned = false;
  unsigned clear_lead = 0;
  unsigned rotate = 0;
  std::filesystem::path out;
  std::vector<std::filesystem::path> in;

  [[nodiscard]] bool counter_mode () const
  {
    return scheme.starts_with ("cen");
  }
  [[nodiscard]] bool has_pattern () const
  {
    return scheme == "cens" || scheme == "cbcs";
  }
  [[nodiscard]] bool constant_iv () const
  {
    return scheme == "cbcs" && !per_sample_iv;
  }
};

Bytes parse_hex (std::string_view text)
{
  Bytes bytes;
  int high = -1;
  for (char c : text) {
    if (c == '-') continue;  // as in a UUID
    auto at = std::string_view ("0123456789abcdefABCDEF").find (c);
    if (at == std::string_view::npos)
      die ("'%s' is not hexadecimal", std::string (text).c_str ());
    int digit = static_cast<int> (at < 16 ? at : at - 6);
    if (high >= 0) bytes.push_back (static_cast<Byte> (high * 16 + digit));
    high = high < 0 ? digit : -1;
  }
  if (high >= 0)
    die ("'%s' has an odd number of digits", std::string (text).c_str ());
  return bytes;
}

Block parse_block (std::string_view text, const char *what)
{
  Bytes bytes = parse_hex (text);
  if (bytes.size () != 16) die ("%s: 32 hexadecimal digits are needed", what);
  Block block;
  std::ranges::copy (bytes, block.begin ());
  return block;
}

unsigned parse_number (std::string_view text, unsigned limit)
{
  unsigned value = 0;
  for (char c : text) {
    if (c < '0' || c > '9')
      die ("'%s' is no number", std::string (text).c_str ());
    value = value * 10 + static_cast<unsigned> (c - '0');
    if (value > limit) die ("'%s' is too great", std::string (text).c_str ());
  }
  if (text.empty ()) die ("a number is missing");
  return value;
}

// "a:b" at the separator; the second is empty when there is none.
std::pair<std::string_view, std::string_view> split (
    std::string_view text, char separator)
{
  auto at = text.find (separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr (0, at), text.substr (at + 1)};
}

void check (Options &options)
{
  const std::string &scheme = options.scheme;
  if (scheme != "cenc" && scheme != "cens" && scheme != "cbc1" &&
      scheme != "cbcs")
    die ("--scheme must be cenc, cens, cbc1 or cbcs");
  if (options.kid.has_value () != options.key.has_value ())
    die ("--kid and --key go together");
  if (!options.kid && options.tracks.empty ())
    die ("--kid and --key are missing");
  if (options.iv.empty ()) {
    options.iv.resize (options.counter_mode () ? 8 : 16);
    options.iv.back () = 1;
  }
  if (options.iv.size () != 16 && (options.iv.size () != 8 || scheme == "cbc1"))
    die ("--iv: %s takes %s", scheme.c_str (),
        scheme == "cbc1" ? "16 bytes" : "8 or 16 bytes");
  if (options.per_sample_iv && scheme != "cbcs")
    die ("--per-sample-iv: only cbcs has anything else");
  if (options.pattern_given && !options.has_pattern ())
    die ("--pattern: only cens and cbcs have one");
  if (options.crypt_byte_block == 0 && options.skip_byte_block > 0)
    die ("--pattern: nothing would be encrypted");
  if (options.unaligned && scheme != "cenc")
    die ("--unaligned: only cenc allows it");
  if (options.in.empty () || options.out.empty ())
    die ("-o OUT and IN are missing");
}

Options parse_options (std::span<char *> arguments)
{
  Options options;
  for (std::size_t i = 1; i < arguments.size (); i++) {
    std::string_view name = arguments[i];
    if (!name.starts_with ('-')) {
      options.in.emplace_back (name);
      continue;
    }
    if (name == "--help") {
      std::fputs (usage.data (), stdout);
      std::exit (EXIT_SUCCESS);
    }
    if (name == "--per-sample-iv") {
      options.per_sample_iv = true;
      continue;
    }
    if (name == "--unaligned") {
      options.unaligned = true;
      continue;
    }
    if (++i == arguments.size ())
      die ("%s: unknown, or its value is missing", arguments[i - 1]);
    std::string_view value = arguments[i];
    if (name == "--scheme") {
      options.scheme = value;
    } else if (name == "--kid") {
      options.kid = parse_block (value, "--kid");
    } else if (name == "--key") {
      options.key = parse_block (value, "--key");
    } else if (name == "--iv") {
      options.iv = parse_hex (value);
    } else if (name == "--pattern") {
      auto [crypt, skip] = split (value, ':');
      options.crypt_byte_block = parse_number (crypt, 15);
      options.skip_byte_block = parse_number (skip, 15);
      options.pattern_given = true;
    } else if (name == "--pssh" || name == "--pssh0") {
      auto [system, data] = split (value, ':');
      options.psshs.push_back ({parse_block (system, "--pssh"),
          parse_hex (data), name == "--pssh" ? 1u : 0u});
    } else if (name == "--track") {
      auto [track, pair] = split (value, '=');
      auto [kid, key] = split (pair, ':');
      options.tracks[parse_number (track, 0xffff)] = {
          parse_block (kid, "--track"), parse_block (key, "--track")};
    } else if (name == "--clear-lead") {
      options.clear_lead = parse_number (value, 0xffff);
    } else if (name == "--rotate") {
      options.rotate = parse_number (value, 0xffff);
    } else if (name == "-o") {
      options.out = value;
    } else {
      die ("%s: unknown option", arguments[i - 1]);
    }
  }
  check (options);
  return options;
}

// ---------------------------------------------------------------------------
// Cipher

class Aes
{
public:
  explicit Aes (const Block &key) : context_ (EVP_CIPHER_CTX_new ())
  {
    if (context_ == nullptr || EVP_EncryptInit_ex (context_, EVP_aes_128_ecb (),
                                   nullptr, key.data (), nullptr) != 1)
      die ("OpenSSL has no AES");
  }
  ~Aes () { EVP_CIPHER_CTX_free (context_); }
  Aes (const Aes &) = delete;
  Aes &operator= (const Aes &) = delete;

  Block encrypt (const Block &in)
  {
    Block out;
    int size = 0;
    EVP_EncryptUpdate (context_, out.data (), &size, in.data (), 16);
    return out;
  }

private:
  EVP_CIPHER_CTX *context_;
};

// "When Per_Sample_IV_Size is 8, the IV is bytes 0 to 7 of the counter block,
// and bytes 8 to 15 are the block counter": that counter, of 64 bits, wraps
// without carrying into the IV.
Block next_counter (Block block)
{
  for (std::size_t i = 16; i-- > 8;)
    if (++block[i] != 0) break;
  return block;
}

// The IV of the sample that follows one of so many blocks.
void advance_iv (Bytes &iv, bool counter_mode, std::size_t blocks)
{
  // 8 bytes: the counter starts at 0 for each, so the next number is enough.
  // 16 bytes in counter mode: the blocks used must not be used again, and a
  // sample without any still gets an IV of its own.
  bool counts = counter_mode && iv.size () == 16;
  std::size_t steps = counts ? std::max<std::size_t> (blocks, 1) : 1;
  std::size_t first = counts ? 8 : 0;
  for (; steps > 0; steps--)
    for (std::size_t i = iv.size (); i-- > first;)
      if (++iv[i] != 0) break;
}

struct Subsample
{
  std::size_t clear;
  std::size_t protect;
};

struct Pattern
{
  unsigned crypt = 0;
  unsigned skip = 0;
  // 0:0 and N:0 both encrypt every block.
  [[nodiscard]] bool encrypts (std::size_t block) const
  {
    return skip == 0 || block % (crypt + skip) < crypt;
  }
};

// Encrypts one sample and returns the number of cipher blocks used.
std::size_t encrypt_sample (std::span<Byte> sample,
    const std::vector<Subsample> &subsamples, const std::string &scheme,
    const Block &key, const Block &iv, Pattern pattern)
{
  Aes aes (key);
  Block counter = iv;  // of CTR
  Block chain = iv;    // of CBC
  Block stream{};
  std::size_t stream_used = 16;
  std::size_t blocks = 0;

  auto counter_byte = [&] (Byte &byte) {
    if (stream_used == 16) {
      stream = aes.encrypt (counter);
      counter = next_counter (counter);
      stream_used = 0;
      blocks++;
    }
    byte ^= stream[stream_used++];
  };
  auto chained_block = [&] (std::span<Byte> block) {
    for (std::size_t i = 0; i < 16; i++) chain[i] ^= block[i];
    chain = aes.encrypt (chain);
    std::ranges::copy (chain, block.begin ());
    blocks++;
  };

  std::size_t at = 0;
  for (Subsample part : subsamples) {
    std::span<Byte> range = sample.subspan (at + part.clear, part.protect);
    at += part.clear + part.protect;
    if (scheme == "cenc") {
      // One key stream over all protected bytes of the sample.
      for (Byte &byte : range) counter_byte (byte);
      continue;
    }
    // Others encrypt whole blocks and leave what remains clear; cbcs begins
    // anew in each subsample.
    if (scheme == "cbcs") chain = iv;
    for (std::size_t i = 0; i < range.size () / 16; i++) {
      if (!pattern.encrypts (i)) continue;
      std::span<Byte> block = range.subspan (i * 16, 16);
      if (scheme == "cens")
        for (Byte &byte : block) counter_byte (byte);
      else
        chained_block (block);
    }
  }
  return blocks;
}

// ---------------------------------------------------------------------------
// What stays clear in a sample

enum class Codec
{
  avc,
  hevc,
  audio
};

struct Track
{
  std::uint32_t id;
  Codec codec;
  std::size_t nal_length_size = 0;
  Key key;
  std::uint32_t default_sample_size = 0;  // trex
  std::uint32_t fragments = 0;            // so far
};

std::size_t nal_header_size (Codec codec)
{
  return codec == Codec::avc ? 1 : 2;
}

// Whether a NAL unit is a slice; all others stay clear.
bool is_vcl (Codec codec, Byte first)
{
  if (codec == Codec::hevc) return (first >> 1 & 0x3f) < 32;
  unsigned type = first & 0x1f;
  return type >= 1 && type <= 5;
}

// Appends a range, filling up the 16 bits that the clear part has.
void add_subsample (
    std::vector<Subsample> &out, std::size_t clear, std::size_t protect)
{
  for (; clear > 0xffff; clear -= 0xffff) out.push_back ({0xffff, 0});
  if (clear + protect > 0) out.push_back ({clear, protect});
}

// Clear are the length field, the NAL unit header, and with cbcs the slice
// header, for which 32 bytes are set aside.
std::vector<Subsample> subsamples_of (
    View sample, const Track &track, const Options &options)
{
  if (track.codec == Codec::audio) return {{0, sample.size ()}};

  std::size_t header = nal_header_size (track.codec);
  std::size_t leading =
      track.nal_length_size + (options.scheme == "cbcs" ? 32 : header);
  std::vector<Subsample> out;
  std::size_t clear = 0;
  for (Reader in (sample); in.left () > 0;) {
    auto size = static_cast<std::size_t> (in.number (track.nal_length_size));
    if (size < header || size > in.left ())
      die ("track %u: a NAL unit's length is wrong", track.id);
    Byte first = in.take (size)[0];
    size += track.nal_length_size;
    std::size_t protect = 0;
    if (is_vcl (track.codec, first) && size > leading) protect = size - leading;
    // cens and cbc1 demand whole blocks, cenc recommends them; the rest goes
    // before them.
    if (options.scheme != "cbcs" && !options.unaligned) protect -= protect % 16;
    clear += size - protect;
    if (protect == 0) continue;
    add_subsample (out, clear, protect);
    clear = 0;
  }
  add_subsample (out, clear, 0);
  return out;
}

// ---------------------------------------------------------------------------
// moov

// ISO/IEC 23001-7 8.2. With isProtected 0 the rest is 0.
Bytes protection_fields (
    const Options &options, Codec codec, const Key &key, bool is_protected)
{
  Bytes out;
  bool pattern =
      is_protected && options.has_pattern () && codec != Codec::audio;
  put (out, 0, 1);
  put (out,
      pattern ? options.crypt_byte_block << 4 | options.skip_byte_block : 0u,
      1);
  put (out, is_protected ? 1 : 0, 1);
  put (
      out, is_protected && !options.constant_iv () ? options.iv.size () : 0, 1);
  put (out, is_protected ? key.kid : Block{});
  if (is_protected && options.constant_iv ()) {
    put (out, options.iv.size (), 1);
    put (out, options.iv);
  }
  return out;
}

Bytes make_sinf (const Options &options, const Track &track, View frma_type)
{
  Bytes scheme (options.scheme.begin (), options.scheme.end ());
  put (scheme, 0x00010000, 4);
  Key key = track.key;
  if (options.rotate > 0) key.kid = {};  // each fragment names its own
  Bytes tenc = full_box ("tenc", options.has_pattern () ? 1 : 0, 0,
      protection_fields (options, track.codec, key, true));
  Bytes body = box ("frma", frma_type);
  put (body, full_box ("schm", 0, 0, scheme));
  put (body, box ("schi", tenc));
  return box ("sinf", body);
}

// A sample entry becomes encv or enca with a sinf that tells what it was.
Bytes protect_entry (const Options &options, const Box &entry, Track &track)
{
  bool audio = track.codec == Codec::audio;
  std::size_t fixed = audio ? 28 : 78;  // VisualSampleEntry, AudioSampleEntry
  if (entry.body ().size () < fixed) die ("a box is cut short");
  if (audio && entry.body ()[9] != 0)
    die ("QuickTime sound descriptions are not understood");
  if (!audio) {
    bool hevc = entry.type == "hvc1" || entry.type == "hev1";
    if (!hevc && entry.type != "avc1" && entry.type != "avc3")
      die ("the sample entry '%s' is not understood", entry.type.c_str ());
    track.codec = hevc ? Codec::hevc : Codec::avc;
    Box config = need (entry.body ().subspan (fixed), {hevc ? "hvcC" : "avcC"});
    Reader in (config.body ());
    in.skip (hevc ? 21 : 4);
    track.nal_length_size = static_cast<std::size_t> (in.number (1) & 3) + 1;
  }
  Bytes body (entry.body ().begin (), entry.body ().end ());
  put (body, make_sinf (options, track, entry.bytes.subspan (4, 4)));
  return box (audio ? "enca" : "encv", body);
}

std::uint32_t track_id_of (const Box &trak)
{
  Reader in (need (trak.body (), {"tkhd"}).body ());
  in.skip (in.number (1) == 1 ? 3 + 16 : 3 + 8);
  return in.u32 ();
}

// The key of a track, if it is to be encrypted at all.
std::optional<Key> key_of (const Options &options, std::uint32_t id)
{
  if (auto found = options.tracks.find (id); found != options.tracks.end ())
    return found->second;
  if (options.kid) return Key{*options.kid, *options.key};
  return std::nullopt;
}

// Copies a box with one of its descendants replaced, sizes set right.
Bytes replace (const Box &parent, const Box &old, View replacement)
{
  Bytes body;
  for (const Box &child : boxes_in (parent.body ())) {
    if (child.bytes.data () == old.bytes.data ())
      put (body, replacement);
    else if (old.bytes.data () > child.bytes.data () &&
             old.bytes.data () < child.bytes.data () + child.bytes.size ())
      put (body, replace (child, old, replacement));
    else
      put (body, child.bytes);
  }
  return box (parent.type, body);
}

Bytes protect_trak (const Options &options, const Box &trak, bool is_fragmented,
    std::vector<Track> &tracks)
{
  Bytes unchanged (trak.bytes.begin (), trak.bytes.end ());
  std::uint32_t id = track_id_of (trak);
  std::optional<Key> key = key_of (options, id);
  Reader hdlr (need (trak.body (), {"mdia", "hdlr"}).body ());
  hdlr.skip (8);
  View handler = hdlr.take (4);
  bool video = std::ranges::equal (handler, std::string_view ("vide"));
  bool audio = std::ranges::equal (handler, std::string_view ("soun"));
  if (!key || (!video && !audio)) return unchanged;

  Box stbl = need (trak.body (), {"mdia", "minf", "stbl"});
  Reader stts (need (stbl.body (), {"stts"}).body ());
  stts.skip (4);
  bool has_samples = stts.u32 () != 0;
  if (has_samples && is_fragmented)
    die (
        "track %u has samples outside of fragments (ffmpeg: -movflags "
        "+empty_moov)",
        id);
  Box stsd = need (stbl.body (), {"stsd"});
  Reader in (stsd.body ());
  View head = in.take (8);
  std::vector<Box> entries = boxes_in (in.take (in.left ()));
  if (entries.size () != 1) die ("track %u has several sample entries", id);
  if (entries[0].type == "encv" || entries[0].type == "enca")
    die ("track %u is encrypted already", id);

  Track track{
      .id = id, .codec = audio ? Codec::audio : Codec::avc, .key = *key};
  Bytes body;
  put (body, head);
  put (body, protect_entry (options, entries[0], track));
  tracks.push_back (track);
  return replace (trak, stsd, box ("stsd", body));
}

// Left-rotates by so many bytes.
Block rotated (Block block, std::size_t by)
{
  std::rotate (block.begin (), block.begin () + static_cast<long> (by % 16),
      block.end ());
  return block;
}

Bytes make_psshs (const Options &options, const std::vector<Track> &tracks)
{
  Bytes out;
  std::vector<Block> kids;
  for (const Track &track : tracks)
    if (std::ranges::find (kids, track.key.kid) == kids.end ())
      kids.push_back (track.key.kid);
  for (const Pssh &pssh : options.psshs) {
    Bytes body (pssh.system.begin (), pssh.system.end ());
    if (pssh.version == 1) {
      put (body, kids.size (), 4);
      for (const Block &kid : kids) put (body, kid);
    }
    put (body, pssh.data.size (), 4);
    put (body, pssh.data);
    put (out, full_box ("pssh", pssh.version, 0, body));
  }
  return out;
}

Bytes protect_moov (
    const Options &options, const Box &moov, std::vector<Track> &tracks)
{
  tracks.clear ();
  std::vector<Box> children = boxes_in (moov.body ());
  bool is_fragmented = find (children, "mvex") != nullptr;
  Bytes body;
  for (const Box &child : children) {
    if (child.type == "trak")
      put (body, protect_trak (options, child, is_fragmented, tracks));
    else
      put (body, child.bytes);
  }
  if (tracks.empty ()) die ("there is no track to encrypt");
  if (!is_fragmented) {
    put (body, make_psshs (options, tracks));
    return box ("moov", body);
  }
  for (const Box &trex : boxes_in (need (moov.body (), {"mvex"}).body ())) {
    if (trex.type != "trex") continue;
    Reader in (trex.body ());
    in.skip (4);
    std::uint32_t id = in.u32 ();
    in.skip (8);
    std::uint32_t size = in.u32 ();
    for (Track &track : tracks)
      if (track.id == id) track.default_sample_size = size;
  }
  put (body, make_psshs (options, tracks));
  return box ("moov", body);
}

// ---------------------------------------------------------------------------
// moof

// A field of a box that says where something of the input is: it is filled in
// when it is known where all that went.
struct DataOffset
{
  std::size_t field;   // in the new moof
  std::size_t target;  // in the input
};

struct Moof
{
  Bytes bytes;
  std::vector<DataOffset> data_offsets;
};

struct Tfhd
{
  std::uint32_t track_id;
  std::optional<std::uint64_t> base_data_offset;
  bool default_base_is_moof;
  std::optional<std::uint32_t> default_sample_size;
  Bytes rewritten;  // without the base, which is the moof's start
};

Tfhd read_tfhd (const Box &box)
{
  Tfhd tfhd{};
  Reader in (box.body ());
  std::uint32_t flags = in.u32 () & 0xffffff;
  tfhd.track_id = in.u32 ();
  if (flags & 0x1) tfhd.base_data_offset = in.number (8);
  View rest = box.body ().subspan (in.position ());
  if ((flags & 0x2) && in.u32 () != 1)
    die ("track %u: sample entry 1 is expected", tfhd.track_id);
  if (flags & 0x8) in.skip (4);
  if (flags & 0x10) tfhd.default_sample_size = in.u32 ();
  tfhd.default_base_is_moof = (flags & 0x20000) != 0;

  Bytes body;
  put (body, tfhd.track_id, 4);
  put (body, rest);
  tfhd.rewritten = full_box ("tfhd", 0, (flags & ~0x1u) | 0x20000, body);
  return tfhd;
}

struct Trun
{
  std::optional<std::int32_t> data_offset;
  std::vector<std::uint32_t> sizes;
  Bytes rewritten;  // with a data_offset, 0, at byte 16
};
constexpr std::size_t trun_data_offset = 16;

Trun read_trun (const Box &box, std::uint32_t default_sample_size)
{
  Trun trun;
  Reader in (box.body ());
  auto version = static_cast<unsigned> (in.number (1));
  auto flags = static_cast<std::uint32_t> (in.number (3));
  std::uint32_t count = in.u32 ();
  if (flags & 0x1) trun.data_offset = static_cast<std::int32_t> (in.u32 ());
  View rest = box.body ().subspan (in.position ());
  if (flags & 0x4) in.skip (4);
  if (!(flags & 0x200) && count > 0x100000) die ("a trun has too many samples");
  for (std::uint32_t i = 0; i < count; i++) {
    if (flags & 0x100) in.skip (4);
    trun.sizes.push_back (flags & 0x200 ? in.u32 () : default_sample_size);
    if (flags & 0x400) in.skip (4);
    if (flags & 0x800) in.skip (4);
  }

  Bytes body;
  put (body, count, 4);
  put (body, 0, 4);
  put (body, rest);
  trun.rewritten = full_box ("trun", version, flags | 0x1, body);
  return trun;
}

// What changes while a presentation is encrypted.
struct Packer
{
  const Options &options;
  std::vector<Track> tracks;
  Bytes iv;  // of the next sample
  std::size_t samples = 0;
  std::set<std::uint32_t> met;  // tracks of all presentations

  explicit Packer (const Options &o) : options (o), iv (o.iv) {}

  // The sample's entry in senc.
  Bytes protect_sample (
      std::span<Byte> sample, const Track &track, const Block &key)
  {
    std::vector<Subsample> parts = subsamples_of (sample, track, options);
    bool audio = track.codec == Codec::audio;
    Pattern pattern;
    if (options.has_pattern () && !audio)
      pattern = {options.crypt_byte_block, options.skip_byte_block};
    Block block{};
    std::ranges::copy (iv, block.begin ());
    std::size_t blocks =
        encrypt_sample (sample, parts, options.scheme, key, block, pattern);
    samples++;

    Bytes entry;
    if (!options.constant_iv ()) {
      put (entry, iv);
      advance_iv (iv, options.counter_mode (), blocks);
    }
    if (audio) return entry;
    put (entry, parts.size (), 2);
    for (Subsample part : parts) {
      put (entry, part.clear, 2);
      put (entry, part.protect, 4);
    }
    return entry;
  }
};

// sgpd and sbgp that put all samples of a fragment into one group.
Bytes make_seig (const Options &options, const Track &track, const Key &key,
    bool is_protected, std::size_t samples)
{
  Bytes description =
      protection_fields (options, track.codec, key, is_protected);
  Bytes sgpd{'s', 'e', 'i', 'g'};
  put (sgpd, description.size (), 4);
  put (sgpd, 1, 4);
  put (sgpd, description);
  Bytes sbgp{'s', 'e', 'i', 'g'};
  put (sbgp, 1, 4);
  put (sbgp, samples, 4);
  put (sbgp, 0x10001, 4);  // the first description of this fragment
  Bytes out = full_box ("sgpd", 1, 0, sgpd);
  put (out, full_box ("sbgp", 0, 0, sbgp));
  return out;
}

// senc, saiz and saio. They are left out where they would be empty: constant
// IV and no subsamples.
Bytes make_auxiliary (const std::vector<Bytes> &entries, bool subsamples,
    std::size_t position_in_moof)
{
  Bytes senc;
  put (senc, entries.size (), 4);
  Bytes sizes;
  for (const Bytes &entry : entries) {
    if (entry.size () > 255) die ("a sample has too many NAL units");
    sizes.push_back (static_cast<Byte> (entry.size ()));
    put (senc, entry);
  }
  if (std::ranges::all_of (sizes, [] (Byte size) { return size == 0; }))
    return {};
  bool same =
      std::ranges::all_of (sizes, [&] (Byte size) { return size == sizes[0]; });

  Bytes saiz;
  put (saiz, same ? sizes[0] : 0u, 1);
  put (saiz, entries.size (), 4);
  if (!same) put (saiz, sizes);
  Bytes saio;
  put (saio, 1, 4);
  put (saio, position_in_moof + 16, 4);  // past senc's header and count
  Bytes out = full_box ("senc", 0, subsamples ? 2 : 0, senc);
  put (out, full_box ("saiz", 0, 0, saiz));
  put (out, full_box ("saio", 0, 0, saio));
  return out;
}

// Encrypts the samples of one traf in `file`, and appends its new form.
class TrafPacker
{
public:
  TrafPacker (Packer &packer, Bytes &file, std::size_t moof_position,
      const std::vector<Box> &mdats)
      : packer_ (packer),
        file_ (file),
        moof_position_ (moof_position),
        mdats_ (mdats)
  {
  }

  void pack (const Box &traf, Moof &out)
  {
    std::vector<Box> children = boxes_in (traf.body ());
    tfhd_ = read_tfhd (need (traf.body (), {"tfhd"}));
    auto found = std::ranges::find (packer_.tracks, tfhd_.track_id, &Track::id);
    track_ = found == packer_.tracks.end () ? nullptr : &*found;
    begin_fragment ();

    // ISO/IEC 14496-12 8.8.7: without a base the first traf counts from the
    // moof, the others from the end of the data before them.
    position_ = base_ = tfhd_.base_data_offset
                            ? static_cast<std::size_t> (*tfhd_.base_data_offset)
                        : tfhd_.default_base_is_moof || !previous_end_
                            ? moof_position_
                            : *previous_end_;
    std::size_t start = out.bytes.size ();
    put (out.bytes, box ("traf", {}));
    std::vector<Bytes> entries;
    for (const Box &child : children) pack_child (child, entries, out);
    finish (entries, out);
    set (out.bytes, start, out.bytes.size () - start, 4);
    previous_end_ = position_;
  }

private:
  void begin_fragment ()
  {
    encrypt_ = track_ != nullptr;
    if (!encrypt_) return;
    const Options &options = packer_.options;
    std::uint32_t fragment = track_->fragments++;
    encrypt_ = fragment >= options.clear_lead;
    key_ = track_->key;
    if (options.rotate > 0) {
      std::size_t period = fragment / options.rotate;
      key_ = {rotated (key_.kid, period), rotated (key_.key, period)};
    }
  }

  void pack_child (const Box &child, std::vector<Bytes> &entries, Moof &out)
  {
    if (child.type == "tfhd") {
      put (out.bytes, tfhd_.rewritten);
    } else if (child.type == "trun") {
      pack_trun (child, entries, out);
    } else if (child.type == "tfdt" || child.type == "subs" ||
               child.type == "sgpd" || child.type == "sbgp") {
      put (out.bytes, child.bytes);
    } else {
      die ("a '%s' box in traf is not understood", child.type.c_str ());
    }
  }

  void pack_trun (const Box &box, std::vector<Bytes> &entries, Moof &out)
  {
    std::uint32_t size = tfhd_.default_sample_size.value_or (
        track_ != nullptr ? track_->default_sample_size : 0);
    Trun trun = read_trun (box, size);
    if (trun.data_offset)
      position_ = static_cast<std::size_t> (
          static_cast<std::int64_t> (base_) + *trun.data_offset);
    if (!trun.sizes.empty ())
      out.data_offsets.push_back (
          {out.bytes.size () + trun_data_offset, position_});
    put (out.bytes, trun.rewritten);
    for (std::uint32_t length : trun.sizes) {
      auto holds = [&] (const Box &mdat) {
        return position_ >= mdat.position + mdat.header &&
               position_ <= mdat.end () && length <= mdat.end () - position_;
      };
      if (std::ranges::none_of (mdats_, holds))
        die ("track %u: a sample is not in an mdat of this file",
            tfhd_.track_id);
      std::span<Byte> sample (file_.data () + position_, length);
      if (encrypt_)
        entries.push_back (packer_.protect_sample (sample, *track_, key_.key));
      position_ += length;
      samples_++;
    }
  }

  void finish (const std::vector<Bytes> &entries, Moof &out)
  {
    if (track_ == nullptr) return;
    // What tenc says needs no group.
    if (!encrypt_ || packer_.options.rotate > 0)
      put (out.bytes,
          make_seig (packer_.options, *track_, key_, encrypt_, samples_));
    if (encrypt_)
      put (out.bytes, make_auxiliary (entries, track_->codec != Codec::audio,
                          out.bytes.size ()));
    samples_ = 0;
  }

  Packer &packer_;
  Bytes &file_;
  std::size_t moof_position_;
  const std::vector<Box> &mdats_;
  std::optional<std::size_t> previous_end_;

  Tfhd tfhd_{};
  Track *track_ = nullptr;
  bool encrypt_ = false;
  Key key_{};
  std::size_t base_ = 0;
  std::size_t position_ = 0;  // in the file, of the next sample
  std::size_t samples_ = 0;
};

Moof protect_moof (
    Packer &packer, Bytes &file, const Box &moof, const std::vector<Box> &mdats)
{
  if (packer.tracks.empty ()) die ("a moof comes before any moov");
  Moof out;
  put (out.bytes, box ("moof", {}));
  TrafPacker traf (packer, file, moof.position, mdats);
  for (const Box &child : boxes_in (moof.body ())) {
    if (child.type == "traf")
      traf.pack (child, out);
    else if (child.type == "mfhd")
      put (out.bytes, child.bytes);
    else
      die ("a '%s' box in moof is not understood", child.type.c_str ());
  }
  set (out.bytes, 0, out.bytes.size (), 4);
  return out;
}

// ---------------------------------------------------------------------------
// Samples of moov (ISO/IEC 14496-12 8.7)

struct Chunk
{
  std::uint64_t position;  // in the input
  std::vector<std::uint32_t> sizes;
};

std::vector<std::uint32_t> read_stsz (const Box &box)
{
  Reader in (box.body ());
  in.skip (4);
  std::uint32_t same = in.u32 ();
  std::uint32_t count = in.u32 ();
  if (same != 0 && count > 0x1000000) die ("stsz has too many samples");
  std::vector<std::uint32_t> sizes;
  for (std::uint32_t i = 0; i < count; i++)
    sizes.push_back (same != 0 ? same : in.u32 ());
  return sizes;
}

std::vector<Chunk> read_chunks (View stbl)
{
  std::vector<std::uint32_t> sizes = read_stsz (need (stbl, {"stsz"}));
  std::vector<Box> boxes = boxes_in (stbl);
  bool wide = find (boxes, "stco") == nullptr;
  Reader offsets (need (stbl, {wide ? "co64" : "stco"}).body ());
  Reader stsc (need (stbl, {"stsc"}).body ());
  offsets.skip (4);
  stsc.skip (4);
  std::uint32_t chunks = offsets.u32 (), entries = stsc.u32 ();
  std::uint32_t next = entries > 0 ? stsc.u32 () : 0, in_chunk = 0;
  std::size_t sample = 0;
  std::vector<Chunk> out;
  for (std::uint32_t number = 1; number <= chunks; number++) {
    if (number == next) {
      in_chunk = stsc.u32 ();
      if (stsc.u32 () != 1) die ("sample entry 1 is expected");
      entries--;
      next = entries > 0 ? stsc.u32 () : 0;
    }
    Chunk chunk{offsets.number (wide ? 8 : 4), {}};
    for (std::uint32_t i = 0; i < in_chunk; i++) {
      if (sample == sizes.size ()) die ("stsc has more samples than stsz");
      chunk.sizes.push_back (sizes[sample++]);
    }
    out.push_back (std::move (chunk));
  }
  if (sample != sizes.size ()) die ("stsz has more samples than stsc");
  return out;
}

// A group for each run of chunks that are alike; nothing where tenc says it.
class Groups
{
public:
  Groups (const Options &options, const Track &track)
      : options_ (options), track_ (track)
  {
  }

  void add (const Key &key, bool is_protected, std::size_t samples)
  {
    std::uint32_t group = 0;
    if (!is_protected || options_.rotate > 0) {
      Bytes one = protection_fields (options_, track_.codec, key, is_protected);
      auto found = std::ranges::find (descriptions_, one);
      group = static_cast<std::uint32_t> (found - descriptions_.begin ()) + 1;
      if (found == descriptions_.end ()) descriptions_.push_back (one);
    }
    put (members_, samples, 4);
    put (members_, group, 4);
    entries_++;
  }

  [[nodiscard]] Bytes boxes () const
  {
    if (descriptions_.empty ()) return {};
    // Clear ones may be shorter, so each has its length.
    Bytes sgpd{'s', 'e', 'i', 'g'};
    put (sgpd, 0, 4);
    put (sgpd, descriptions_.size (), 4);
    for (const Bytes &one : descriptions_) {
      put (sgpd, one.size (), 4);
      put (sgpd, one);
    }
    Bytes sbgp{'s', 'e', 'i', 'g'};
    put (sbgp, entries_, 4);
    put (sbgp, members_);
    Bytes out = full_box ("sgpd", 1, 0, sgpd);
    put (out, full_box ("sbgp", 0, 0, sbgp));
    return out;
  }

private:
  const Options &options_;
  const Track &track_;
  std::vector<Bytes> descriptions_;
  Bytes members_;
  std::size_t entries_ = 0;
};

// Encrypts a track's samples in the file. What it returns goes to the end of
// its stbl; a saio, if any, leads nowhere yet.
Bytes protect_chunks (
    Packer &packer, Bytes &file, Track &track, const std::vector<Chunk> &chunks)
{
  const Options &options = packer.options;
  bool subsamples = track.codec != Codec::audio;
  Groups groups (options, track);
  std::vector<Bytes> entries;
  std::uint32_t number = 0;
  for (const Chunk &chunk : chunks) {
    bool encrypt = number >= options.clear_lead;
    Key key = track.key;
    if (options.rotate > 0) {
      std::size_t period = number / options.rotate;
      key = {rotated (key.kid, period), rotated (key.key, period)};
    }
    number++;
    groups.add (key, encrypt, chunk.sizes.size ());
    auto at = static_cast<std::size_t> (chunk.position);
    for (std::uint32_t size : chunk.sizes) {
      if (at > file.size () || size > file.size () - at)
        die ("track %u: a sample is behind the end", track.id);
      std::span<Byte> sample (file.data () + at, size);
      at += size;
      // A clear sample has an entry without ranges.
      entries.push_back (encrypt
                             ? packer.protect_sample (sample, track, key.key)
                         : subsamples ? Bytes (2)
                                      : Bytes ());
    }
  }
  Bytes out = groups.boxes ();
  put (out, make_auxiliary (entries, subsamples, 0));
  return out;
}

// All of them. The boxes that moov grows by move its media, and those their
// offsets: what is behind moov by all, what is before it by nothing.
Bytes protect_samples (
    Packer &packer, Bytes &file, const Box &moov, Bytes protected_moov)
{
  std::map<std::uint32_t, Bytes> extras;
  for (const Box &trak : boxes_in (moov.body ())) {
    if (trak.type != "trak") continue;
    std::uint32_t id = track_id_of (trak);
    auto track = std::ranges::find (packer.tracks, id, &Track::id);
    if (track == packer.tracks.end ()) continue;
    Box stbl = need (trak.body (), {"mdia", "minf", "stbl"});
    extras[id] =
        protect_chunks (packer, file, *track, read_chunks (stbl.body ()));
  }
  Bytes body;
  for (const Box &child : boxes_in (View (protected_moov).subspan (8))) {
    auto extra = child.type == "trak" ? extras.find (track_id_of (child))
                                      : extras.end ();
    if (extra == extras.end ()) {
      put (body, child.bytes);
      continue;
    }
    Box stbl = need (child.body (), {"mdia", "minf", "stbl"});
    Bytes inside (stbl.body ().begin (), stbl.body ().end ());
    put (inside, extra->second);
    put (body, replace (child, stbl, box ("stbl", inside)));
  }
  Bytes out = box ("moov", body);
  std::size_t growth = out.size () - moov.bytes.size ();

  for (const Box &trak : boxes_in (View (out).subspan (8))) {
    if (trak.type != "trak") continue;
    Box stbl = need (trak.body (), {"mdia", "minf", "stbl"});
    std::optional<std::size_t> senc_at;
    auto place = [&] (View bytes) {
      return static_cast<std::size_t> (bytes.data () - out.data ());
    };
    for (const Box &box : boxes_in (stbl.body ())) {
      if (box.type == "senc") senc_at = place (box.body ()) + 8;
      if (box.type == "saio")  // in the file, as moov's own position is known
        set (out, place (box.body ()) + 8, moov.position + senc_at.value (), 4);
      if (box.type != "stco" && box.type != "co64") continue;
      std::size_t wide = box.type == "stco" ? 4 : 8;
      Reader in (box.body ());
      in.skip (4);
      for (std::uint32_t count = in.u32 (); count > 0; count--) {
        std::size_t field = place (box.body ()) + in.position ();
        std::uint64_t offset = in.number (wide);
        if (offset < moov.position) die ("samples come before moov");
        set (out, field, offset + growth, wide);
      }
    }
  }
  return out;
}

// ---------------------------------------------------------------------------
// Files

// A box of the input and what became of it.
struct Piece
{
  Box old;
  Bytes bytes;
  std::vector<DataOffset> data_offsets;
  std::size_t position = 0;  // in the output
};

// Where a position of the input is in the output.
std::size_t moved (const std::vector<Piece> &pieces, std::uint64_t position)
{
  for (const Piece &piece : pieces) {
    if (position == piece.old.position) return piece.position;
    // Past its header an mdat is what it was.
    if (piece.old.type == "mdat" && position > piece.old.position &&
        position < piece.old.end ())
      return piece.position + static_cast<std::size_t> (position) -
             piece.old.position;
  }
  const Piece &last = pieces.back ();
  if (position == last.old.end ()) return last.position + last.bytes.size ();
  die ("an offset of the input points at no box: %llu",
      static_cast<unsigned long long> (position));
}

// ISO/IEC 14496-12 8.16.3: offsets count from the end of the box.
void fix_sidx (Piece &piece, const std::vector<Piece> &pieces)
{
  Reader in (piece.old.bytes);
  in.skip (piece.old.header);
  std::size_t wide = in.number (1) == 0 ? 4 : 8;
  in.skip (3 + 4 + 4 + wide);
  std::size_t first_offset_field = in.position ();
  std::uint64_t old_start = piece.old.end () + in.number (wide);
  std::size_t start = moved (pieces, old_start);
  set (piece.bytes, first_offset_field,
      start - (piece.position + piece.bytes.size ()), wide);
  in.skip (2);
  for (auto count = in.number (2); count > 0; count--) {
    std::size_t field = in.position ();
    std::uint32_t reference = in.u32 ();
    std::uint64_t old_end = old_start + (reference & 0x7fffffff);
    std::size_t end = moved (pieces, old_end);
    if (end - start > 0x7fffffff) die ("a subsegment is too big for sidx");
    set (piece.bytes, field, (reference & 0x80000000) | (end - start), 4);
    old_start = old_end;
    start = end;
    in.skip (8);
  }
}

void fix_mfra (Piece &piece, const std::vector<Piece> &pieces)
{
  for (const Box &tfra : boxes_in (piece.old.body ())) {
    if (tfra.type != "tfra") continue;
    Reader in (tfra.bytes);
    in.skip (tfra.header);
    std::size_t wide = in.number (1) == 0 ? 4 : 8;
    in.skip (3 + 4);
    std::uint32_t lengths = in.u32 ();
    std::size_t numbers =
        (lengths >> 4 & 3) + (lengths >> 2 & 3) + (lengths & 3) + 3;
    for (std::uint32_t count = in.u32 (); count > 0; count--) {
      in.skip (wide);
      std::size_t field = piece.old.header + tfra.position + in.position ();
      set (piece.bytes, field, moved (pieces, in.number (wide)), wide);
      in.skip (numbers);
    }
  }
}

Bytes protect_file (Packer &packer, Bytes file)
{
  // The boxes refer to a copy, because samples are encrypted in `file`.
  const Bytes input = file;
  std::vector<Box> boxes = boxes_in (input);
  std::vector<Box> mdats;
  std::ranges::copy_if (boxes, std::back_inserter (mdats),
      [] (const Box &box) { return box.type == "mdat"; });

  std::vector<Piece> pieces;
  for (const Box &box : boxes) {
    Piece piece{.old = box, .bytes = {}, .data_offsets = {}};
    if (box.type == "moov") {
      piece.bytes = protect_moov (packer.options, box, packer.tracks);
      std::vector<Box> inside = boxes_in (box.body ());
      if (find (inside, "mvex") == nullptr)
        piece.bytes = protect_samples (packer, file, box, piece.bytes);
      for (const Track &track : packer.tracks) packer.met.insert (track.id);
    } else if (box.type == "moof") {
      Moof moof = protect_moof (packer, file, box, mdats);
      piece.bytes = std::move (moof.bytes);
      piece.data_offsets = std::move (moof.data_offsets);
    } else if (box.type == "mdat" || box.type == "ftyp" || box.type == "styp" ||
               box.type == "sidx" || box.type == "mfra" || box.type == "free" ||
               box.type == "skip" || box.type == "emsg" || box.type == "prft") {
      piece.bytes.assign (box.bytes.begin (), box.bytes.end ());
    } else {
      die ("a '%s' box is not understood", box.type.c_str ());
    }
    pieces.push_back (std::move (piece));
  }

  std::size_t position = 0;
  for (Piece &piece : pieces) {
    if (piece.old.type == "mdat")
      std::copy_n (file.begin () + static_cast<long> (piece.old.position),
          piece.bytes.size (), piece.bytes.begin ());
    piece.position = position;
    position += piece.bytes.size ();
  }
  Bytes out;
  for (Piece &piece : pieces) {
    for (DataOffset offset : piece.data_offsets)
      set (piece.bytes, offset.field,
          moved (pieces, offset.target) - piece.position, 4);
    if (piece.old.type == "sidx") fix_sidx (piece, pieces);
    if (piece.old.type == "mfra") fix_mfra (piece, pieces);
    put (out, piece.bytes);
  }
  return out;
}

Bytes read_file (const std::filesystem::path &path)
{
  std::ifstream in (path, std::ios::binary);
  if (!in) die ("cannot be read");
  Bytes bytes (std::istreambuf_iterator<char> (in), {});
  if (bytes.empty ()) die ("is empty");
  return bytes;
}

void write_file (const std::filesystem::path &path, View bytes)
{
  std::ofstream out (path, std::ios::binary | std::ios::trunc);
  out.write (reinterpret_cast<const char *> (bytes.data ()),
      static_cast<std::streamsize> (bytes.size ()));
  out.flush ();
  if (!out) die ("cannot be written to %s", path.c_str ());
}

// Where each input goes. No file is written over that is yet to be read, or
// that was just written.
std::vector<std::filesystem::path> outputs_of (const Options &options)
{
  std::error_code ignored;
  bool folder = std::filesystem::is_directory (options.out, ignored);
  if (options.in.size () > 1 && !folder)
    die ("%s is not a folder", options.out.c_str ());
  std::vector<std::filesystem::path> outs;
  for (const std::filesystem::path &path : options.in) {
    outs.push_back (folder ? options.out / path.filename () : options.out);
    if (std::ranges::count (outs, outs.back ()) > 1)
      die ("two inputs would become %s", outs.back ().c_str ());
    if (std::filesystem::equivalent (outs.back (), path, ignored))
      die ("%s would be written over", path.c_str ());
  }
  return outs;
}

}  // namespace

int main (int argc, char **argv)
{
  Options options = parse_options ({argv, static_cast<std::size_t> (argc)});
  std::vector<std::filesystem::path> outs = outputs_of (options);

  Packer packer (options);
  for (std::size_t i = 0; i < outs.size (); i++) {
    current_file = options.in[i].string ();
    write_file (outs[i], protect_file (packer, read_file (options.in[i])));
  }
  current_file.clear ();
  for (const auto &[id, key] : options.tracks)
    if (!packer.met.contains (id)) die ("--track: there is no track %u", id);
  std::printf ("%zu samples encrypted; next IV ", packer.samples);
  for (Byte byte : packer.iv) std::printf ("%02x", byte);
  std::printf ("\n");
}
