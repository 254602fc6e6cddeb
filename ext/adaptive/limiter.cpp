// SPDX-License-Identifier: LGPL-2.1-or-later
#include "limiter.h"

#include <algorithm>
#include <utility>

namespace limiter {

// Nobody is passed over: whoever may have more connections than the first in
// the queue waits behind it all the same, or the first would wait for ever.
void Limiter::advance (Host &host)
{
  while (!host.queue.empty () &&
         host.active < host.queue.front ()->request_.limit) {
    Ticket *first = host.queue.front ();
    host.queue.pop_front ();
    host.active++;
    first->granted_ = true;
    first->progress ();
    first->changed_.notify_one ();
  }
  host.traffic->waiting = host.queue.size ();
}

Ticket::Ticket (Limiter &limiter, Request request)
    : limiter_ (limiter), request_ (std::move (request))
{
  auto hosts = limiter_.hosts_.lock ();
  Limiter::Host &host = (*hosts)[request_.host];
  traffic_ = host.traffic;
  if (request_.limit == 0) {
    host.active++;
    granted_ = true;
    return;
  }
  auto place = host.queue.end ();
  if (request_.urgent)
    place = std::ranges::find_if (
        host.queue, [] (const Ticket *t) { return !t->request_.urgent; });
  host.queue.insert (place, this);
  Limiter::advance (host);
}

Ticket::~Ticket ()
{
  auto hosts = limiter_.hosts_.lock ();
  auto entry = hosts->find (request_.host);
  Limiter::Host &host = entry->second;
  if (granted_) {
    host.active--;
    progress ();
  } else {
    host.queue.remove (this);
  }
  Limiter::advance (host);
  if (host.active == 0 && host.queue.empty ()) hosts->erase (entry);
}

bool Ticket::is_granted ()
{
  auto hosts = limiter_.hosts_.lock ();
  return granted_;
}

Outcome Ticket::wait ()
{
  Clock::time_point entered = Clock::now ();
  auto hosts = limiter_.hosts_.lock ();
  auto is_over = [this] (
                     const Limiter::Hosts &) { return granted_ || stopped_; };
  while (!is_over (*hosts)) {
    if (request_.patience.count () == 0) {
      hosts.wait (changed_, is_over);
      continue;
    }
    Clock::time_point last{Clock::duration (traffic_->progress.load ())};
    Clock::time_point deadline = std::max (entered, last) + request_.patience;
    if (Clock::now () >= deadline) return Outcome::no_progress;
    hosts.wait_until (changed_, deadline, is_over);
  }
  return granted_ && !stopped_ ? Outcome::granted : Outcome::stopped;
}

void Limiter::stop (Ticket &ticket)
{
  auto hosts = hosts_.lock ();
  ticket.stopped_ = true;
  ticket.changed_.notify_one ();
}

}  // namespace limiter
