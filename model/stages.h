// Work in stages over a few threads: a stage begins when all items of the one before are done.
// Knows threads; refuses to know what the work is.
#pragma once
#include <immintrin.h>

#include <atomic>
#include <thread>
#include <vector>

namespace mundo {

// `make()` gives each thread its own `work(stage, item)`; items[s] is how many items stage s has. A stage ends when its
// items are done, not when every thread has come: on a busy machine nobody waits for a sleeper.
template <typename Make>
void in_stages(const std::vector<int>& items, int threads, const Make& make) {
  std::vector<std::atomic<int>> next(items.size()), done(items.size());
  auto run = [&] {
    auto work = make();
    for (size_t stage = 0; stage < items.size(); ++stage) {
      for (int i; (i = next[stage]++) < items[stage]; ++done[stage]) work((int)stage, i);
      for (int spins = 0; done[stage].load(std::memory_order_acquire) < items[stage]; ++spins)
        if (spins < 1000) _mm_pause();
        else std::this_thread::yield();
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(run);
  run();
  for (auto& other : others) other.join();
}

}  // namespace mundo
