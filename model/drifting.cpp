// Clouds and waves that move in a picture that stays: what model/drifting.py's `_drifted` computes, many times faster.
// Knows planes in bytes and flows; refuses to know torch, cameras and what moves.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "camera.h"
#include "stages.h"
#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace {

constexpr int kApart = 4, kWithin = 3, kSoft = 2, kPhases = 2, kParts = 3, kBand = 8;
constexpr int kLanes = 16, kBlocks = kLanes / kApart;  // pixels that are computed together, and blocks that they lie in
constexpr float kBorder = 12.f, kFarAway = 1000.f;
constexpr float kPlane = .12f, kLow = .02f, kHigh = .08f, kLevel = -.01f, kNearTheSun = 60.f;

typedef float Lanes __attribute__((vector_size(4 * kLanes), aligned(4)));
typedef int32_t Whole __attribute__((vector_size(4 * kLanes), aligned(4)));
typedef uint32_t Bits __attribute__((vector_size(4 * kLanes), aligned(4)));
typedef uint8_t Bytes __attribute__((vector_size(kLanes), aligned(1)));
typedef uint16_t Pairs __attribute__((vector_size(2 * kLanes), aligned(1)));
using Sums = std::vector<int32_t>;

// Sums of the values within `across` to the left and right of each, and then within `down` above and below.
void around(Sums& values, int height, int width, int down, int across) {
  Sums along(width + 1), below((size_t)(height + 1) * width, 0);
  for (int y = 0; y < height; ++y) {
    const int32_t *row = values.data() + (size_t)y * width, *above = below.data() + (size_t)y * width;
    int32_t* sums = below.data() + (size_t)(y + 1) * width;
    for (int x = 0; x < width; ++x) along[x + 1] = along[x] + row[x];
    const int left = std::min(across, width), right = std::max(width - across, left);
    for (int x = 0; x < left; ++x) sums[x] = above[x] + along[std::min(x + across + 1, width)];
    for (int x = left; x < right; ++x) sums[x] = above[x] + along[x + across + 1 > width ? width : x + across + 1] - along[x - across];
    for (int x = right; x < width; ++x) sums[x] = above[x] + along[width] - along[x - across];
  }
  for (int y = 0; y < height; ++y) {
    const int32_t* last = below.data() + (size_t)std::min(y + down + 1, height) * width;
    const int32_t* first = below.data() + (size_t)std::max(y - down, 0) * width;
    int32_t* out = values.data() + (size_t)y * width;
    for (int x = 0; x < width; ++x) out[x] = last[x] - first[x];
  }
}

// How many there are within `reach` of one of so many in a line, itself included.
int beside(int at, int reach, int size) { return std::min(at + reach, size - 1) - std::max(at - reach, 0) + 1; }

// How solid it is around each of what is 0 or 1, from 0 to 1: the least within kWithin, and of that the mean within kSoft.
std::vector<float> solid(const uint8_t* moves, int height, int width) {
  Sums inside(moves, moves + (size_t)height * width);
  std::vector<float> out(inside.size());
  around(inside, height, width, kWithin, kWithin);
  for (int y = 0, i = 0; y < height; ++y)
    for (int x = 0; x < width; ++x, ++i) inside[i] = inside[i] == beside(y, kWithin, height) * beside(x, kWithin, width);
  around(inside, height, width, kSoft, kSoft);
  for (int y = 0, i = 0; y < height; ++y)
    for (int x = 0; x < width; ++x, ++i) out[i] = (float)inside[i] / (beside(y, kSoft, height) * beside(x, kSoft, width));
  return out;
}

Lanes floats(Bits bits) { return __builtin_convertvector(bits, Lanes); }
Lanes least(Lanes a, Lanes b) { return a < b ? a : b; }
Whole nearest(Lanes value) { return (Whole)(value + 12582912.f) - 0x4b400000; }  // as far as 2^22; halves to even ones

bool any(Whole mask) {
  int32_t all = 0;
  for (int i = 0; i < kLanes; ++i) all |= mask[i];
  return all != 0;
}

Lanes looked_up(const float* values, Whole at) {
#ifdef __AVX512F__
  return (Lanes)_mm512_i32gather_ps((__m512i)at, values, 4);
#else
  Lanes found;
  for (int i = 0; i < kLanes; ++i) found[i] = values[at[i]];
  return found;
#endif
}

Lanes looked_up(const int32_t* values, Whole at) {
#ifdef __AVX512F__
  return __builtin_convertvector((Whole)_mm512_i32gather_epi32((__m512i)at, values, 4), Lanes);
#else
  Lanes found;
  for (int i = 0; i < kLanes; ++i) found[i] = (float)values[at[i]];
  return found;
#endif
}

struct Plane {
  const uint8_t* bytes;
  int height, width;

  // Four bytes from each place on, of which those that lie beyond the last one are none of its.
  Bits four(Whole at) const {
    const Whole first = at < height * width - 4 ? at : height * width - 4;
#ifdef __AVX512F__
    const Bits found = (Bits)_mm512_i32gather_epi32((__m512i)first, bytes, 1);
#else
    Bits found;
    for (int i = 0; i < kLanes; ++i) std::memcpy((char*)&found + 4 * i, bytes + first[i], 4);
#endif
    return found >> (Bits)(8 * (at - first));
  }
};

// Between pixels, of places that do not lie beyond the border: what is found there, and, of `Across` 2, besides to the right
// of it, below, and below to the right.
template <int Across>
void between(const Plane& plane, Lanes column, Lanes row, Lanes* out) {
  const Whole x = __builtin_convertvector(column, Whole), y = __builtin_convertvector(row, Whole);
  const Lanes right = column - __builtin_convertvector(x, Lanes), down = row - __builtin_convertvector(y, Lanes);
  Lanes lines[Across + 1][Across];
  for (int j = 0; j <= Across; ++j) {
    const Bits found = plane.four((y + j) * plane.width + x);
    for (int i = 0; i < Across; ++i) {
      const Lanes left = floats(found >> 8 * i & 255);
      lines[j][i] = left + right * (floats(found >> 8 * (i + 1) & 255) - left);
    }
  }
  for (int k = 0; k < Across * Across; ++k) {
    const Lanes upper = lines[k / Across][k % Across];
    out[k] = upper + down * (lines[k / Across + 1][k % Across] - upper);
  }
}

// Values at corners of blocks -> of pixels beside each other, so much of the way `down` to the next corners.
Lanes on_lines(const float* corners, int across, float down) {
  constexpr Lanes on = {.125f, .375f, .625f, .875f, .125f, .375f, .625f, .875f, .125f, .375f, .625f, .875f, .125f, .375f, .625f, .875f};
  float c[kBlocks + 1];
  for (int i = 0; i <= kBlocks; ++i) c[i] = corners[i] + down * (corners[across + i] - corners[i]);
  const Lanes left = {c[0], c[0], c[0], c[0], c[1], c[1], c[1], c[1], c[2], c[2], c[2], c[2], c[3], c[3], c[3], c[3]};
  const Lanes right = {c[1], c[1], c[1], c[1], c[2], c[2], c[2], c[2], c[3], c[3], c[3], c[3], c[4], c[4], c[4], c[4]};
  return left + on * (right - left);
}

Bits bytes(Lanes value) {
  value = value + .5f;
  return __builtin_convertvector(value < 0.f ? value * 0.f : least(value, value * 0.f + 255.f), Bits);
}

// Corners of blocks as an eye that looks with `yaw` and `pitch` sees them; `rays` [3, height / 4 + 1, width / 4 + 1].
struct Corners {
  const float* rays;
  int height, width, across, count;
  float turn[9];

  Corners(const float* rays, float yaw, float pitch, int height, int width)
      : rays(rays), height(height), width(width), across(width / kApart + 1), count((height / kApart + 1) * across) {
    mundo::rotation({0, 0, 0, yaw, pitch}, turn);
  }
  // Its direction in the world: east, up, south.
  void look(int corner, float* to) const {
    for (int i = 0; i < 3; ++i)
      to[i] = turn[3 * i] * rays[corner] + turn[3 * i + 1] * rays[count + corner] + turn[3 * i + 2] * rays[2 * count + corner];
  }
  // A phase's place [2, ...] of a corner: where what lies at `point` is seen, or the corner itself where all stays.
  void put(int corner, const float* point, bool stays, float* places) const {
    float at[2] = {corner % across * kApart - .5f, corner / across * kApart - .5f};
    if (!stays) {
      float seen[3] = {};
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) seen[i] += turn[3 * j + i] * point[j];
      const float scale = height / mundo::kSpan / std::max(seen[2], 1e-4f);
      const float there[2] = {seen[0] * scale + (.5f * width - .5f), .5f * height - .5f - seen[1] * scale};
      for (int i = 0; i < 2; ++i) at[i] = seen[2] > 1e-3f ? std::min(std::max(there[i], -kFarAway), kFarAway) : -kFarAway;
    }
    places[corner] = at[0], places[count + corner] = at[1];
  }
};

}  // namespace

// y [2 height, 2 width], u and v [height, width] as they are and as they become; `moves` [height, width] 0 or 1; `places` [2,
// 2, height / 4 + 1, width / 4 + 1] columns and rows at corners for both phases, and `still` [height / 4 + 1, width / 4 + 1].
// A width is a multiple of 16.
extern "C" void drift(const uint8_t* y, const uint8_t* u, const uint8_t* v, uint8_t* y_out, uint8_t* u_out, uint8_t* v_out,
                      const uint8_t* moves, const float* places, const float* still, float first, float second, int height,
                      int width, int down, int across, int threads) {
  const int n = height * width, corners = width / kApart + 1, grid = (height / kApart + 1) * corners;
  const Plane luma{y, 2 * height, 2 * width}, chroma[2] = {{u, height, width}, {v, height, width}};
  uint8_t* out[2] = {u_out, v_out};
  const float shares[kPhases] = {first, second}, contrast = std::hypot(first, second);  // two mixed are duller
  const float right_most = width - 1, lowest = height - 1, wholes[kParts] = {.25f, 1.f, 1.f};
  std::vector<float> inside, count(n);
  Sums sums[kParts];  // over what moves, of luma of four at once; by `count` and `wholes` they are means
  auto add_up = [&](int part) {
    sums[part].resize(n);
    for (int row = 0, i = 0; row < height; ++row)
      for (int x = 0; x < width; ++x, ++i) {
        const uint8_t* p = y + (size_t)4 * row * width + 2 * x;
        sums[part][i] = !moves[i] ? 0 : part ? chroma[part - 1].bytes[i] : p[0] + p[1] + p[2 * width] + p[2 * width + 1];
      }
    around(sums[part], height, width, down, across);
  };
  auto tell = [&] {
    inside = solid(moves, height, width);
    Sums some(moves, moves + n);
    around(some, height, width, down, across);
    for (int i = 0; i < n; ++i) count[i] = 1.f / std::max(some[i], 1);
  };
  auto move = [&](int row, int x) {
    const int i = row * width + x;
    Bytes moving;
    std::memcpy(&moving, moves + i, kLanes);
    const float on = (row % kApart + .5f) / kApart;
    const size_t block = (size_t)row / kApart * corners + x / kApart;
    const Lanes stays = on_lines(still + block, corners, on);
    const Whole mask = (__builtin_convertvector(moving, Whole) != 0) & (stays < 1.f);
    if (!any(mask)) return;
    Lanes sum[6] = {}, left = stays * 0.f + 1.f;
    for (int phase = 0; phase < kPhases; ++phase) {
      const float* own = places + (size_t)2 * phase * grid + block;
      Lanes column = on_lines(own, corners, on), line = on_lines(own + grid, corners, on);
      const Lanes near = least(least(column, right_most - column), least(line, lowest - line));
      const Whole here = mask & (near > 0.f);
      column = (Lanes)((Whole)column & here), line = (Lanes)((Whole)line & here);
      const Whole from = nearest(line) * width + nearest(column);
      const Lanes share = shares[phase] * least(near / kBorder, near * 0.f + 1.f) * looked_up(inside.data(), from);
      const Lanes seen = (Lanes)((Whole)share & here);
      if (!any(seen > 0.f)) continue;
      Lanes taken[6];
      between<2>(luma, 2 * column, 2 * line, taken);
      for (int k = 4; k < 6; ++k) between<1>(chroma[k - 4], column, line, taken + k);
      const Lanes a_whole = looked_up(count.data(), from);
      for (int k = 0; k < 6; ++k) {
        const int part = k < 4 ? 0 : k - 3;
        sum[k] += seen * (taken[k] - a_whole * wholes[part] * looked_up(sums[part].data(), from));
      }
      left -= seen;
    }
    const Lanes scale = 1 / (contrast + left * (1 - contrast));
    Lanes own_count;
    std::memcpy(&own_count, count.data() + i, sizeof own_count);
    auto moved = [&](int k, Bits was) {  // of what stays as it was the old bytes
      const int part = k < 4 ? 0 : k - 3;
      Whole own_sum;
      std::memcpy(&own_sum, sums[part].data() + i, sizeof own_sum);
      const Lanes mean = own_count * wholes[part] * __builtin_convertvector(own_sum, Lanes);
      const Lanes before = floats(was), after = mean + (sum[k] + left * (before - mean)) * scale;
      return ((Bits)mask & bytes(after + stays * (before - after))) | (~(Bits)mask & was);
    };
    for (int lower = 0; lower < 2; ++lower) {
      const size_t to = (size_t)(2 * row + lower) * 2 * width + 2 * x;
      Pairs pairs;
      std::memcpy(&pairs, y + to, sizeof pairs);
      const Bits both = __builtin_convertvector(pairs, Bits);
      pairs = __builtin_convertvector(moved(2 * lower, both & 255) | moved(2 * lower + 1, both >> 8) << 8, Pairs);
      std::memcpy(y_out + to, &pairs, sizeof pairs);
    }
    for (int part = 0; part < 2; ++part) {
      Bytes own;
      std::memcpy(&own, chroma[part].bytes + i, kLanes);
      own = __builtin_convertvector(moved(4 + part, __builtin_convertvector(own, Bits)), Bytes);
      std::memcpy(out[part] + i, &own, kLanes);
    }
  };
  auto work = [&](int stage, int item) {
    if (stage == 0) return item < kParts ? add_up(item) : tell();
    for (int row = item * kBand; row < std::min((item + 1) * kBand, height); ++row)
      for (int x = 0; x < width; x += kLanes) move(row, x);
  };
  mundo::in_stages({kParts + 1, (height + kBand - 1) / kBand}, threads, [&] { return work; });
}

// The flow of clouds, as model/drifting.py's `_clouds`. `given`: yaw, pitch, the wind (east, south), how long either phase has
// gone, and `bright` directions in the world; `places` and `still` as `drift` takes them.
extern "C" void drift_clouds(const float* rays, const float* given, int bright, int height, int width, float* places, float* still) {
  const Corners corners(rays, given[0], given[1], height, width);
  for (int i = 0; i < corners.count; ++i) {
    float look[3], near = -1;
    corners.look(i, look);
    for (const float* to = given + 6; to < given + 6 + 3 * bright; to += 3)
      near = std::max(near, to[0] * look[0] + to[1] * look[1] + to[2] * look[2]);
    const float low = 1 - std::min(std::max((look[1] - kLow) / (kHigh - kLow), 0.f), 1.f);
    still[i] = std::max(low, std::exp((near - 1) * kNearTheSun));
    const float plane = std::max(look[1] + kPlane, kLow);
    for (int phase = 0; phase < kPhases; ++phase) {
      const float east = look[0] / plane + given[4 + phase] * given[2], south = look[2] / plane + given[4 + phase] * given[3];
      const float away = east * east + south * south, lifted = kPlane * away;
      const float root = std::sqrt(std::max((away + 1) * (1 - kPlane * lifted) + lifted * lifted, 0.f));
      const float up = (root - lifted) / (away + 1);
      const float point[3] = {kFarAway * east * (up + kPlane), kFarAway * up, kFarAway * south * (up + kPlane)};
      corners.put(i, point, low >= 1, places + (size_t)2 * phase * corners.count);
    }
  }
}

// The flow of water, as `_waves`. `given`: yaw, pitch, metres from the eye down to it, the stream (east, south), and how long
// either phase has gone.
extern "C" void drift_waves(const float* rays, const float* given, int height, int width, float* places, float* still) {
  const Corners corners(rays, given[0], given[1], height, width);
  for (int i = 0; i < corners.count; ++i) {
    float look[3];
    corners.look(i, look);
    still[i] = look[1] > kLevel;
    const float far = given[2] / -std::min(look[1], kLevel);
    for (int phase = 0; phase < kPhases; ++phase) {
      const float gone = given[5 + phase], point[3] = {far * look[0] + gone * given[3], far * look[1], far * look[2] + gone * given[4]};
      corners.put(i, point, still[i] >= 1, places + (size_t)2 * phase * corners.count);
    }
  }
}
