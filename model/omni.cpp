// The layers of the Omni for the CPU: what model/omni.py computes between its first and its last norm, in 8-bit integers.
// Knows AVX-512 VNNI and shapes; refuses to know torch, what tokens mean, and sampling.
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include <memory>

#include "products.h"
#include "stages.h"

namespace {

using namespace mundo;

constexpr int kHead = 64, kPairs = kHead / 2, kItemRows = 12;

struct Layer {
  bool over_time;
  Matrix project, out, up, down;
  Floats query_gain, key_gain, before_attention, before_feed;
  Floats near;  // [9, width] taps of a space layer
};

// What one thread needs beside its rows.
struct Scratch {
  Bytes narrow, wide;
  Floats moved, hidden, queries, scores;
  Scratch(int rows, int width, int hidden, int keys)
      : narrow(rows, width), wide(rows, hidden), moved((size_t)rows * width), hidden((size_t)rows * hidden),
        queries((size_t)rows * width), scores((size_t)std::max(rows, kTile) * keys) {}
};

// Keys lie transposed, [head][64][keys]; queries and values as [slot][width].
struct Frame {
  Floats queries, keys, values;
};

struct Network {
  int width, heads, hidden, slots, carried_from;
  int rows, columns;  // of the picture that the last slots make up
  std::vector<Layer> layers;
  Floats space_turns, time_turns;  // cosines and sines of 32 pairs, a row a slot or a position
  int told() const { return slots - rows * columns; }
  int keys() const { return (slots + kLanes - 1) / kLanes * kLanes; }
};

// What space layers hand on between two stages, for even and for odd ones.
struct Rooms {
  std::vector<Frame> of[2];
};

// The frames of one world.
struct Call {
  const Network& net;
  float* x;
  int frames, past;
  const uint8_t* mask;  // [frames, past + frames]
  const float* const* before;
  float* const* kept;
  Rooms& rooms;
  int item_slots() const { return std::max(kItemRows / frames, kTile); }
  int items() const { return (net.slots + item_slots() - 1) / item_slots(); }
};

// Some slots of all frames. Row r of `count` is slot first + r % slots of frame r / slots.
struct Item {
  int first, slots, count;
  Item(const Call& call, int index)
      : first(index * call.item_slots()),
        slots(std::min(call.item_slots(), call.net.slots - first)),
        count(slots * call.frames) {}
  int slot(int r) const { return first + r % slots; }
  int frame(int r) const { return r / slots; }
};

inline float* row_of(const Call& call, const Item& item, int r) {
  return call.x + ((size_t)item.frame(r) * call.net.slots + item.slot(r)) * call.net.width;
}

inline void rms_norm(__m512* v, const float* gain, float factor) {
  __m512 squares = all(0);
  for (int j = 0; j < 4; ++j) squares = _mm512_fmadd_ps(v[j], v[j], squares);
  __m512 scale = all(factor / std::sqrt(_mm512_reduce_add_ps(squares) / kHead + 1e-6f));
  for (int j = 0; j < 4; ++j) v[j] = _mm512_mul_ps(v[j], _mm512_mul_ps(scale, load(gain + j * kLanes)));
}

inline void rotate(__m512* v, const float* turn) {
  for (int j = 0; j < 2; ++j) {
    __m512 c = load(turn + j * kLanes), s = load(turn + kPairs + j * kLanes), a = v[j], b = v[j + 2];
    v[j] = _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s));
    v[j + 2] = _mm512_fmadd_ps(a, s, _mm512_mul_ps(b, c));
  }
}

inline void store4(float* to, const __m512* v) {
  for (int j = 0; j < 4; ++j) store(to + j * kLanes, v[j]);
}

inline void add4(float* to, const __m512* v) {
  for (int j = 0; j < 4; ++j) store(to + j * kLanes, _mm512_add_ps(load(to + j * kLanes), v[j]));
}

const float kQueryFactor = 1.44269504f / std::sqrt((float)kHead);  // scores come out for powers of 2

void add_moved(const Call& call, const Item& item, const Layer& layer, Scratch& s) {
  const int width = call.net.width;
  for (int r = 0; r < item.count; ++r) quantize(s.moved.data() + (size_t)r * width, s.narrow, r);
  product(s.narrow, item.count, layer.out,
          [&](int r, int block, const __m512* v) { add4(row_of(call, item, r) + block * kBlock, v); });
}

void feed(const Call& call, const Item& item, const Layer& layer, Scratch& s) {
  const int hidden = call.net.hidden;
  for (int r = 0; r < item.count; ++r)
    quantize_normed(row_of(call, item, r), layer.before_feed.data(), s.narrow, r);
  product(s.narrow, item.count, layer.up, [&](int r, int block, const __m512* v) {  // 32 gates, then their 32 values
    float* to = s.hidden.data() + (size_t)r * hidden + block * (kBlock / 2);
    for (int j = 0; j < 2; ++j) store(to + j * kLanes, _mm512_mul_ps(silu(v[j]), v[j + 2]));
  });
  for (int r = 0; r < item.count; ++r) quantize(s.hidden.data() + (size_t)r * hidden, s.wide, r);
  product(s.wide, item.count, layer.down,
          [&](int r, int block, const __m512* v) { add4(row_of(call, item, r) + block * kBlock, v); });
}

void project_in_space(const Call& call, const Item& item, const Layer& layer, std::vector<Frame>& into, Scratch& s) {
  const Network& net = call.net;
  const int keys = net.keys();
  const __m512i down = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                          _mm512_set1_epi32(keys));
  for (int r = 0; r < item.count; ++r)
    quantize_normed(row_of(call, item, r), layer.before_attention.data(), s.narrow, r);
  product(s.narrow, item.count, layer.project, [&](int r, int block, __m512* v) {
    Frame& frame = into[item.frame(r)];
    const int slot = item.slot(r), head = block % net.heads;
    const size_t at = (size_t)slot * net.width + head * kHead;
    if (block >= 2 * net.heads) return store4(frame.values.data() + at, v);
    bool query = block < net.heads;
    rms_norm(v, (query ? layer.query_gain : layer.key_gain).data(), query ? kQueryFactor : 1);
    rotate(v, net.space_turns.data() + (size_t)slot * kHead);
    if (query) return store4(frame.queries.data() + at, v);
    float* to = frame.keys.data() + (size_t)head * kHead * keys + slot;
    for (int j = 0; j < 4; ++j) _mm512_i32scatter_ps(to + (size_t)j * kLanes * keys, down, v[j], 4);
  });
}

// Scores of a row to weights, not yet divided by their sum, which it returns. Beyond `count` they become 0.
inline float soften(float* scores, int count, int padded) {
  __m512 largest = all(-INFINITY), sum = all(0);
  for (int i = 0; i < padded; i += kLanes) {
    __mmask16 real = i + kLanes <= count ? 0xffff : (1 << std::max(count - i, 0)) - 1;
    __m512 v = _mm512_mask_mov_ps(all(-INFINITY), real, load(scores + i));
    store(scores + i, v);
    largest = _mm512_max_ps(largest, v);
  }
  __m512 top = all(_mm512_reduce_max_ps(largest));
  for (int i = 0; i < padded; i += kLanes) {
    __m512 v = exp2(_mm512_max_ps(_mm512_sub_ps(load(scores + i), top), all(-126)));
    store(scores + i, v);
    sum = _mm512_add_ps(sum, v);
  }
  return _mm512_reduce_add_ps(sum);
}

template <int kRows>
void attend_rows(const Network& net, const Frame& frame, int slot, int head, float* to, float* scores) {
  const int keys = net.keys();
  const float* queries = frame.queries.data() + (size_t)slot * net.width + head * kHead;
  const float* across = frame.keys.data() + (size_t)head * kHead * keys;
  int at = 0;
  for (; at + kBlock <= keys; at += kBlock)
    float_tile<kRows, 4>(queries, net.width, kHead, across + at, keys, scores + at, keys);
  switch ((keys - at) / kLanes) {
    case 3: float_tile<kRows, 3>(queries, net.width, kHead, across + at, keys, scores + at, keys); break;
    case 2: float_tile<kRows, 2>(queries, net.width, kHead, across + at, keys, scores + at, keys); break;
    case 1: float_tile<kRows, 1>(queries, net.width, kHead, across + at, keys, scores + at, keys); break;
  }
  float sums[kRows];
  for (int r = 0; r < kRows; ++r) sums[r] = soften(scores + (size_t)r * keys, net.slots, keys);
  float_tile<kRows, 4>(scores, keys, net.slots, frame.values.data() + head * kHead, net.width, to, net.width);
  for (int r = 0; r < kRows; ++r)
    for (int j = 0; j < 4; ++j) {
      float* part = to + (size_t)r * net.width + j * kLanes;
      store(part, _mm512_mul_ps(load(part), all(1 / sums[r])));
    }
}

// Adds to a slot of the picture what its neighbours' values and its own are by the layer's taps.
void add_near(const Network& net, const Layer& layer, const float* values, int slot, float* to) {
  const int place = slot - net.told(), row = place / net.columns, column = place % net.columns;
  for (int i = 0; i < 9; ++i) {
    const int y = row + i / 3 - 1, x = column + i % 3 - 1;
    if (y < 0 || y >= net.rows || x < 0 || x >= net.columns) continue;
    const float *from = values + (size_t)(net.told() + y * net.columns + x) * net.width;
    const float* taps = layer.near.data() + (size_t)i * net.width;
    for (int c = 0; c < net.width; c += kLanes)
      store(to + c, _mm512_fmadd_ps(load(from + c), load(taps + c), load(to + c)));
  }
}

void attend_in_space(const Call& call, const Item& item, const Layer& layer, const std::vector<Frame>& frames, Scratch& s) {
  const Network& net = call.net;
  for (int t = 0; t < call.frames; ++t)
    for (int head = 0; head < net.heads; ++head)
      for (int i = 0; i < item.slots;) {
        float* to = s.moved.data() + (size_t)(t * item.slots + i) * net.width + head * kHead;
        auto run = [&](auto rows) {
          attend_rows<decltype(rows)::value>(net, frames[t], item.first + i, head, to, s.scores.data());
          i += decltype(rows)::value;
        };
        int left = item.slots - i;
        if (left >= 6) run(std::integral_constant<int, 6>());
        else if (left >= 3) run(std::integral_constant<int, 3>());
        else run(std::integral_constant<int, 1>());
      }
  for (int r = 0; r < item.count; ++r)
    if (item.slot(r) >= net.told())
      add_near(net, layer, frames[item.frame(r)].values.data(), item.slot(r), s.moved.data() + (size_t)r * net.width);
}

void attend_over_time(const Call& call, const Item& item, int index, Scratch& s) {
  const Network& net = call.net;
  const int length = call.past + call.frames, carried = net.slots - net.carried_from, padded = (length + 15) / 16 * 16;
  auto line = [&](int part, int p, int slot) {
    const float* from = p < call.past ? call.before[2 * index + part] + (size_t)p * carried * net.width
                                      : call.kept[2 * index + part] + (size_t)(p - call.past) * carried * net.width;
    return from + (size_t)(slot - net.carried_from) * net.width;
  };
  auto fetch = [&](int slot) {  // the past lies in as many places as it has frames: nothing foresees that
    for (int p = 0; slot >= net.carried_from && p < call.past; ++p)
      for (int c = 0; c < 2 * net.width; c += kLanes)
        _mm_prefetch(reinterpret_cast<const char*>(line(c >= net.width, p, slot) + c % net.width), _MM_HINT_T0);
  };
  float* scores = s.scores.data();
  fetch(item.first);
  for (int i = 0; i < item.slots; ++i) {
    const int slot = item.first + i;
    if (i + 1 < item.slots) fetch(slot + 1);
    for (int head = 0; head < net.heads; ++head) {
      auto at = [&](int t) { return (size_t)(t * item.slots + i) * net.width + head * kHead; };
      for (int p = 0; slot >= net.carried_from && p < length; ++p) {
        __m512 key[4];
        for (int j = 0; j < 4; ++j) key[j] = load(line(0, p, slot) + head * kHead + j * kLanes);
        rotate(key, net.time_turns.data() + (size_t)p * kHead);
        for (int t = 0; t < call.frames; ++t) {
          __m512 sum = all(0);
          for (int j = 0; j < 4; ++j) sum = _mm512_fmadd_ps(load(s.queries.data() + at(t) + j * kLanes), key[j], sum);
          scores[t * padded + p] = call.mask[t * length + p] ? _mm512_reduce_add_ps(sum) : -INFINITY;
        }
      }
      for (int t = 0; t < call.frames; ++t) {
        __m512 out[4] = {all(0), all(0), all(0), all(0)};
        if (slot >= net.carried_from) {
          float share = 1 / soften(scores + t * padded, length, padded);
          for (int p = 0; p < length; ++p) {
            if (!call.mask[t * length + p]) continue;
            __m512 weight = all(scores[t * padded + p] * share);
            const float* value = line(1, p, slot) + head * kHead;
            for (int j = 0; j < 4; ++j) out[j] = _mm512_fmadd_ps(weight, load(value + j * kLanes), out[j]);
          }
        }
        store4(s.moved.data() + at(t), out);
      }
    }
  }
}

void move_over_time(const Call& call, const Item& item, const Layer& layer, int index, Scratch& s) {
  const Network& net = call.net;
  const int carried = net.slots - net.carried_from;
  for (int r = 0; r < item.count; ++r)
    quantize_normed(row_of(call, item, r), layer.before_attention.data(), s.narrow, r);
  product(s.narrow, item.count, layer.project, [&](int r, int block, __m512* v) {
    const int part = block / net.heads, head = block % net.heads, slot = item.slot(r) - net.carried_from;
    if (part == 0) {
      rms_norm(v, layer.query_gain.data(), kQueryFactor);
      rotate(v, net.time_turns.data() + (size_t)(call.past + item.frame(r)) * kHead);
      store4(s.queries.data() + (size_t)r * net.width + head * kHead, v);
    } else if (slot >= 0) {
      if (part == 1) rms_norm(v, layer.key_gain.data(), 1);
      store4(call.kept[2 * index + part - 1] + ((size_t)item.frame(r) * carried + slot) * net.width + head * kHead, v);
    }
  });
  attend_over_time(call, item, index, s);
  add_moved(call, item, layer, s);
  feed(call, item, layer, s);
}

// From a space layer's attention (none at stage 0) to the projections of the next one: nothing in between mixes slots.
void run_item(const Call& call, int stage, const Item& item, Scratch& s) {
  const std::vector<Layer>& layers = call.net.layers;
  int spaces = 0, times = 0;
  for (const Layer& layer : layers) {
    if (layer.over_time) {
      if (spaces == stage) move_over_time(call, item, layer, times, s);
      ++times;
      continue;
    }
    if (spaces == stage) return project_in_space(call, item, layer, call.rooms.of[stage % 2], s);
    if (++spaces == stage) {
      attend_in_space(call, item, layer, call.rooms.of[(stage - 1) % 2], s);
      add_moved(call, item, layer, s);
      feed(call, item, layer, s);
    }
  }
}

// Worlds as long as each other in one go: an item is of one of them.
void run(const std::vector<Call>& calls, int threads) {
  const Call& first = calls[0];
  const Network& net = first.net;
  int stages = 1;
  for (const Layer& layer : net.layers) stages += !layer.over_time;
  const int rows = first.item_slots() * first.frames, each = first.items();
  const int keys = std::max(net.keys(), (first.past + first.frames + 15) / 16 * 16);
  in_stages(std::vector<int>(stages, each * (int)calls.size()), threads, [&] {
    return [&, scratch = Scratch(rows, net.width, net.hidden, keys)](int stage, int item) mutable {
      const Call& call = calls[item / each];
      run_item(call, stage, Item(call, item % each), scratch);
    };
  });
}

void fit(std::vector<Frame>& room, const Network& net, int frames) {
  const size_t plain = (size_t)net.slots * net.width, across = (size_t)net.width * net.keys();
  if (!room.empty() && (room[0].keys.size() != across || room[0].values.size() != plain)) room.clear();
  while ((int)room.size() < frames) room.push_back({Floats(plain), Floats(across), Floats(plain)});
}

Floats turns(const float* angles, int rows) {
  Floats out((size_t)rows * kHead);
  for (int r = 0; r < rows; ++r)
    for (int i = 0; i < kPairs; ++i) {
      out.data()[r * kHead + i] = std::cos(angles[r * kPairs + i]);
      out.data()[r * kHead + kPairs + i] = std::sin(angles[r * kPairs + i]);
    }
  return out;
}

}  // namespace

extern "C" int omni_supported() { return 1; }

// sizes: width, hidden, slots, first carried slot, rows and columns of the picture, layers, positions, then 1 for each layer
// over time. tensors: 9 a layer, weights [out, in] of project, out, up, down, then gains of queries, keys, before attention,
// before feed, then taps [9, width] (not read of layers over time).
extern "C" void* omni_create(const int* sizes, const float* const* tensors, const float* space, const float* time) {
  auto net = std::make_unique<Network>();
  net->width = sizes[0], net->heads = sizes[0] / kHead, net->hidden = sizes[1], net->slots = sizes[2];
  net->carried_from = sizes[3], net->rows = sizes[4], net->columns = sizes[5];
  net->space_turns = turns(space, net->slots), net->time_turns = turns(time, sizes[7]);
  const int width = net->width, hidden = net->hidden;
  for (int i = 0; i < sizes[6]; ++i, tensors += 9) {
    auto plain = [&](int which, int inputs) {
      return [=](int c, int r) { return tensors[which][(size_t)c * inputs + r]; };
    };
    auto paired = [=](int c, int r) {  // 32 gates, then their 32 values
      int channel = c / kBlock * kPairs + c % kPairs + (c % kBlock < kPairs ? 0 : hidden);
      return tensors[2][(size_t)channel * width + r];
    };
    net->layers.push_back({sizes[8 + i] != 0, Matrix(3 * width, width, plain(0, width)),
                           Matrix(width, width, plain(1, width)), Matrix(2 * hidden, width, paired),
                           Matrix(width, hidden, plain(3, hidden)), Floats(tensors[4], kHead), Floats(tensors[5], kHead),
                           Floats(tensors[6], width), Floats(tensors[7], width),
                           sizes[8 + i] ? Floats() : Floats(tensors[8], (size_t)9 * width)});
  }
  return net.release();
}

extern "C" void omni_destroy(void* net) { delete static_cast<Network*>(net); }

// Worlds of `frames` new and `past` old frames each; of each x [frames, slots, width] in and out, mask [frames, past + frames];
// before and kept: keys, then values, of each time layer, [past, carried, width] and [frames, carried, width]. May be called
// by several threads at the same time.
extern "C" void omni_forward(const void* network, int worlds, float* const* x, int frames, int past,
                             const uint8_t* const* mask, const float* const* before, float* const* kept, int threads) {
  const Network& net = *static_cast<const Network*>(network);
  static thread_local std::vector<std::unique_ptr<Rooms>> rooms;
  while ((int)rooms.size() < worlds) rooms.push_back(std::make_unique<Rooms>());
  int pairs = 0;
  for (const Layer& layer : net.layers) pairs += 2 * layer.over_time;
  std::vector<Call> calls;
  for (int i = 0; i < worlds; ++i) {
    for (auto& room : rooms[i]->of) fit(room, net, frames);
    calls.push_back({net, x[i], frames, past, mask[i], before + (past ? i * pairs : 0), kept + i * pairs, *rooms[i]});
  }
  run(calls, threads);
}

#else
extern "C" int omni_supported() { return 0; }
#endif
