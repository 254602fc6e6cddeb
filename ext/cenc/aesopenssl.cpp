// SPDX-License-Identifier: LGPL-2.1-or-later
#include <openssl/evp.h>

#include <algorithm>

#include "aesengines.h"

namespace aes {
namespace {

// EVP counts in int.
constexpr std::size_t longest_call = std::size_t{1} << 30;

struct Free
{
  void operator() (EVP_CIPHER *cipher) const { EVP_CIPHER_free (cipher); }
  void operator() (EVP_CIPHER_CTX *context) const
  {
    EVP_CIPHER_CTX_free (context);
  }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

class OpenSsl final : public Engine
{
public:
  explicit OpenSsl (Context context) : context_ (std::move (context)) {}

  [[nodiscard]] Library library () const override { return Library::openssl; }
  bool start (const Block &iv) override
  {
    return EVP_DecryptInit_ex2 (
               context_.get (), nullptr, nullptr, iv.data (), nullptr) == 1;
  }

  bool update (
      std::span<const std::uint8_t> in, std::span<std::uint8_t> out) override
  {
    while (!in.empty ()) {
      std::size_t n = std::min (in.size (), longest_call);
      int written = 0;
      if (EVP_DecryptUpdate (context_.get (), out.data (), &written, in.data (),
              static_cast<int> (n)) != 1 ||
          written != static_cast<int> (n))
        return false;
      in = in.subspan (n);
      out = out.subspan (n);
    }
    return true;
  }

private:
  Context context_;
};

}  // namespace

std::unique_ptr<Engine> make_openssl (Mode mode, const Key &key)
{
  std::unique_ptr<EVP_CIPHER, Free> cipher{EVP_CIPHER_fetch (
      nullptr, mode == Mode::ctr ? "AES-128-CTR" : "AES-128-CBC", nullptr)};
  Context context{EVP_CIPHER_CTX_new ()};
  if (!cipher || !context) return nullptr;
  if (EVP_DecryptInit_ex2 (
          context.get (), cipher.get (), key.data (), nullptr, nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding (context.get (), 0) != 1)
    return nullptr;
  return std::make_unique<OpenSsl> (std::move (context));
}

}  // namespace aes
