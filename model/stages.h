// Work in stages over a few threads: a stage begins when all items of the one before are done.
// Knows threads; refuses to know what the work is.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace mundo {

// Something that others may help with until it is closed. What it refers to may be gone afterwards.
class Job {
 public:
  explicit Job(std::function<void()> work) : work_(std::move(work)) {}
  void help() {
    ++inside_;
    if (!closed_) work_();
    --inside_;
  }
  void close() {
    closed_ = true;
    while (inside_) std::this_thread::yield();
  }

 private:
  std::function<void()> work_;
  std::atomic<int> inside_{0};
  std::atomic<bool> closed_{false};
};

// Threads that sleep until there is a job. Nobody waits for one that comes too late, so a busy machine costs little.
class Helpers {
 public:
  static Helpers& here() {
    static Helpers* helpers = new Helpers;  // never destroyed: its threads end with the process
    return *helpers;
  }
  void call(const std::shared_ptr<Job>& job, int count) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (; threads_ < count; ++threads_) std::thread([this] { run(); }).detach();
      for (int i = 0; i < count; ++i) jobs_.push_back(job);
    }
    count == 1 ? some_.notify_one() : some_.notify_all();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      some_.wait(lock, [this] { return !jobs_.empty(); });
      std::shared_ptr<Job> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job->help();
    }
  }
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<std::shared_ptr<Job>> jobs_;
  int threads_ = 0;
};

inline void pause(int spins) {
#if defined(__x86_64__)
  if (spins < 1000) return __builtin_ia32_pause();
#endif
  std::this_thread::yield();
}

// `make()` gives each thread its own `work(stage, item)`; items[s] is how many items stage s has.
template <typename Make>
void in_stages(const std::vector<int>& items, int threads, const Make& make) {
  std::vector<std::atomic<int>> next(items.size()), done(items.size());
  auto run = [&] {
    auto work = make();
    for (size_t stage = 0; stage < items.size(); ++stage) {
      for (int i; (i = next[stage]++) < items[stage]; ++done[stage]) work((int)stage, i);
      for (int spins = 0; done[stage].load(std::memory_order_acquire) < items[stage]; ++spins) pause(spins);
    }
  };
  const int helpers = std::min(threads, *std::max_element(items.begin(), items.end())) - 1;
  if (helpers < 1) return run();
  auto job = std::make_shared<Job>(run);
  Helpers::here().call(job, helpers);
  run();
  job->close();
}

}  // namespace mundo
