// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <new>

// Processes of one test, which may be killed.
namespace test {

// What they tell each other of: its members are atomic.
template <class Board>
class Shared
{
public:
  Shared ()
      : board_ (new (mmap (nullptr, sizeof (Board), PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Board)
  {
  }
  ~Shared () { munmap (board_, sizeof (Board)); }
  Shared (const Shared &) = delete;
  Shared &operator= (const Shared &) = delete;
  Board *operator->() { return board_; }

private:
  Board *board_;
};

// A process that ends by itself, with 0, or is killed.
inline pid_t start (const std::function<int ()> &what)
{
  pid_t child = fork ();
  if (child == 0) _exit (what ());
  return child;
}

// How it ended; the negative signal if it was killed.
inline int end_of (pid_t child)
{
  int status = 0;
  waitpid (child, &status, 0);
  if (WIFSIGNALED (status)) return -WTERMSIG (status);
  return WEXITSTATUS (status);
}

}  // namespace test
