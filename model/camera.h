// The camera, as model/camera.py: what one has at a pixel and a distance as another one sees it.
// Knows one field of view and metres; refuses to know pictures.
#pragma once
#include <algorithm>
#include <cmath>

namespace mundo {

constexpr float kSpan = 1.2f, kDepthScale = 1.2f, kFar = 300.f, kSkyFrom = 240.f, kNearest = .05f;

struct Motion {
  float turn[9], shift[3];
};

struct Seen {
  float column, row, far;
};

struct Pose {
  float x, y, z, yaw, pitch;
};

// To the world: pitch first, then yaw.
inline void rotation(const Pose& p, float (&to)[9]) {
  const float c = std::cos(p.yaw), s = std::sin(p.yaw), cp = std::cos(p.pitch), sp = std::sin(p.pitch);
  const float turn[9] = {c, -s * sp, s * cp, 0, cp, sp, -s, -c * sp, c * cp};
  std::copy(turn, turn + 9, to);
}

// From here's camera to there's.
inline Motion motion(const Pose& here, const Pose& there) {
  float ours[9], theirs[9];
  rotation(here, ours), rotation(there, theirs);
  const float away[3] = {here.x - there.x, here.y - there.y, here.z - there.z};
  Motion m{};
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k) {
      for (int j = 0; j < 3; ++j) m.turn[3 * i + j] += theirs[3 * k + i] * ours[3 * k + j];
      m.shift[i] += theirs[3 * k + i] * away[k];
    }
  return m;
}

inline float metres(float inverse) {
  return std::min(std::max(kDepthScale / std::max(inverse, 1e-6f) - kDepthScale, 0.f), kFar);
}

inline Seen seen(float column, float row, float distance, const Motion& m, int height, int width) {
  float right = (column + (.5f - .5f * width)) * (kSpan / height), up = (.5f * height - .5f - row) * (kSpan / height);
  float along = distance / std::sqrt(right * right + up * up + 1.f);
  float parallax = std::min(std::max((kFar - distance) * (1.f / (kFar - kSkyFrom)), 0.f), 1.f);
  right *= along, up *= along;
  float x = m.turn[0] * right + m.turn[1] * up + m.turn[2] * along + m.shift[0] * parallax;
  float y = m.turn[3] * right + m.turn[4] * up + m.turn[5] * along + m.shift[1] * parallax;
  float z = m.turn[6] * right + m.turn[7] * up + m.turn[8] * along + m.shift[2] * parallax;
  float far = std::sqrt(x * x + y * y + z * z), scale = (height / kSpan) / std::max(z, 1e-4f);
  return {x * scale + (.5f * width - .5f), (.5f * height - .5f) - y * scale, z > 1e-3f ? far : -far};
}

inline bool within(const Seen& s, int height, int width) {
  return (s.column > -.5f) & (s.column < width - .5f) & (s.row > -.5f) & (s.row < height - .5f) & (s.far > kNearest);
}

}  // namespace mundo
