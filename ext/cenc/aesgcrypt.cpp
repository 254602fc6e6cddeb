// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gcrypt.h>

#include "aesengines.h"

namespace aes {
namespace {

class Gcrypt final : public Engine
{
public:
  Gcrypt (Mode mode, gcry_cipher_hd_t handle) : mode_ (mode), handle_ (handle)
  {
  }
  Gcrypt (const Gcrypt &) = delete;
  Gcrypt &operator= (const Gcrypt &) = delete;
  ~Gcrypt () override { gcry_cipher_close (handle_); }

  [[nodiscard]] Library library () const override { return Library::gcrypt; }
  bool start (const Block &iv) override
  {
    gcry_error_t error =
        mode_ == Mode::ctr
            ? gcry_cipher_setctr (handle_, iv.data (), iv.size ())
            : gcry_cipher_setiv (handle_, iv.data (), iv.size ());
    return error == 0;
  }

  bool update (
      std::span<const std::uint8_t> in, std::span<std::uint8_t> out) override
  {
    return gcry_cipher_decrypt (
               handle_, out.data (), in.size (), in.data (), in.size ()) == 0;
  }

private:
  Mode mode_;
  gcry_cipher_hd_t handle_;
};

}  // namespace

// An application that has begun to set the library up goes on with that by
// itself; its secure memory is nothing that we need or touch.
bool start_gcrypt ()
{
  if (gcry_control (GCRYCTL_ANY_INITIALIZATION_P) == 0) {
    if (gcry_check_version (nullptr) == nullptr) return false;
    if (gcry_control (GCRYCTL_INITIALIZATION_FINISHED, 0) != 0) return false;
  }
  // The first with VAES.
  return gcry_check_version ("1.10.0") != nullptr;
}

std::unique_ptr<Engine> make_gcrypt (Mode mode, const Key &key)
{
  gcry_cipher_hd_t handle = nullptr;
  if (gcry_cipher_open (&handle, GCRY_CIPHER_AES128,
          mode == Mode::ctr ? GCRY_CIPHER_MODE_CTR : GCRY_CIPHER_MODE_CBC,
          0) != 0)
    return nullptr;
  auto engine = std::make_unique<Gcrypt> (mode, handle);
  if (gcry_cipher_setkey (handle, key.data (), key.size ()) != 0)
    return nullptr;
  return engine;
}

}  // namespace aes
