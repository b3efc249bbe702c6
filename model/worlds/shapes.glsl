// --- exact intersections: nearest positive distance or FAR ---------------------------------------

void ellipsoid(vec3 o, vec3 d, vec3 c, vec3 r, int material, float top, inout Hit hit) {
  vec3 q = (o - c) / r, e = d / r;
  float a = dot(e, e), b = dot(q, e), k = b * b - a * (dot(q, q) - 1.);
  if (k < 0.) return;
  float t = (-b - sqrt(k)) / a;
  if (t > .05 && t < hit.t) hit = Hit(t, normalize((q + e * t) / r), material, clamp((o.y + d.y * t) / top, 0., 1.));
}

void cone(vec3 o, vec3 d, float low, float apex, float radius, int material, float top, inout Hit hit) {
  float m = radius / (apex - low);
  m *= m;
  float y = apex - o.y;
  float a = dot(d.xz, d.xz) - m * d.y * d.y, b = dot(o.xz, d.xz) + m * y * d.y, c = dot(o.xz, o.xz) - m * y * y;
  float k = b * b - a * c;
  if (k > 0.) {
    k = sqrt(k);
    float t0 = (-b - k) / a, t1 = (-b + k) / a;
    float t = min(t0, t1), h = o.y + d.y * t;
    if (!(t > .05 && h > low && h < apex)) { t = max(t0, t1); h = o.y + d.y * t; }
    if (t > .05 && t < hit.t && h > low && h < apex) {
      vec2 p = o.xz + d.xz * t;
      hit = Hit(t, normalize(vec3(p / max(length(p), 1e-3), sqrt(m)).xzy), material, clamp(h / top, 0., 1.));
    }
  }
  float t = (low - o.y) / d.y;
  vec2 p = o.xz + d.xz * t;
  if (t > .05 && t < hit.t && d.y > 0. && dot(p, p) < radius * radius) hit = Hit(t, vec3(0., -1., 0.), material, low / top * .5);
}

void post(vec3 o, vec3 d, vec2 c, float low, float high, float r, int material, float top, inout Hit hit) {
  vec2 q = o.xz - c;
  float a = dot(d.xz, d.xz), b = dot(q, d.xz), k = b * b - a * (dot(q, q) - r * r);
  if (k > 0.) {
    float t = (-b - sqrt(k)) / a, h = o.y + d.y * t;
    if (t > .05 && t < hit.t && h > low && h < high) {
      vec2 p = q + d.xz * t;
      hit = Hit(t, vec3(p.x, 0., p.y) / r, material, clamp(h / top, 0., 1.));
    }
  }
  ellipsoid(o, d, vec3(c.x, high, c.y), vec3(r), material, top, hit);
}

// What grows in a cell; `o` is relative to its foot. One program a kind: a software rasterizer runs every branch.
void plant(vec3 o, vec3 d, float h, float turn, inout Hit hit) {
#if KIND == 1
    post(o, d, vec2(0.), -1., h * .2, h * .035, TRUNK, h, hit);
    for (int i = 0; i < 3; i++) {
      float f = float(i);
      cone(o, d, h * (.13 + .22 * f), h * (.58 + .21 * f), h * (.25 + .02 * sin(turn) - .062 * f), PINE, h, hit);
    }
#elif KIND == 2
    post(o, d, vec2(0.), -1., h * .5, h * .045, TRUNK, h, hit);
    ellipsoid(o, d, vec3(0., h * .68, 0.), h * vec3(.30, .32, .30), LEAF, h, hit);
    vec2 s = h * .17 * vec2(cos(turn), sin(turn));
    ellipsoid(o, d, vec3(s.x, h * .55, s.y), h * vec3(.22, .20, .22), LEAF, h, hit);
    ellipsoid(o, d, vec3(-s.x, h * .60, -s.y), h * vec3(.20, .19, .20), LEAF, h, hit);
#elif KIND == 3
    float r = h * .085;
    post(o, d, vec2(0.), -1., h - r, r, CACTUS, h, hit);
    vec2 s = h * .24 * vec2(cos(turn), sin(turn));
    post(o, d, s, h * .40, h * .72, r * .72, CACTUS, h, hit);
    post(o, d, -s, h * .52, h * .86, r * .66, CACTUS, h, hit);
    ellipsoid(o, d, vec3(s.x, h * .40, s.y) * vec3(.5, 1., .5), vec3(abs(s.x) * .5 + r * .7, r * .75, abs(s.y) * .5 + r * .7), CACTUS, h, hit);
    ellipsoid(o, d, vec3(-s.x, h * .52, -s.y) * vec3(.5, 1., .5), vec3(abs(s.x) * .5 + r * .7, r * .7, abs(s.y) * .5 + r * .7), CACTUS, h, hit);
#else
    ellipsoid(o, d, vec3(0., h * .25, 0.), h * vec3(.8 + .3 * cos(turn), .72, .8 - .3 * cos(turn)), ROCK, h, hit);
    ellipsoid(o, d, vec3(h * .5 * cos(turn), h * .1, h * .5 * sin(turn)), h * vec3(.55, .45, .5), ROCK, h, hit);
#endif
}
