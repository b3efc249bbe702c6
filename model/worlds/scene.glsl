// One view of a world: terrain by ray march, plants and rocks by exact intersection in a grid of cells.
// All randomness comes from baked textures, so that every driver draws the same picture.
uniform sampler2D terrain;  // r height in m, gb slope (dh/dx, dh/dz), a tint; one texel per TILE/1024 m, periodic
uniform sampler2D noise;    // four independent smooth periodic noises in [0,1], 256 x 256
uniform sampler2D cells;    // r,g centre in the cell, b height of what grows there in m (0: nothing), a kind
uniform sampler2D beam;     // distance that is safe to skip, from the beam pass
uniform vec3 eye;
uniform vec2 look;          // yaw, pitch
uniform vec2 size;          // pixels of the whole picture
uniform vec2 window;        // where the part of it that is drawn begins, from below
uniform bool specks;        // whether drops, flakes and stars are seen
uniform int place;          // 0 meadow, 1 desert, 2 mountains, 3 coast
uniform float tod, cloud, fog, rain, snow, cover, clock;

const float TILE = 512., CELL = 8., FAR = 300., ASPECT = 1.2;

float height(vec2 p) { return textureLod(terrain, p / TILE, 0.).r; }
vec4 rnd(vec2 p) { return textureLod(noise, p / 256., 0.); }

vec3 ray(vec2 pixel) {  // of the whole picture
  vec3 d = normalize(vec3((pixel - .5 * size) / size.y * ASPECT, 1.));
  float c = cos(look.y), s = sin(look.y);
  d = vec3(d.x, d.y * c + d.z * s, d.z * c - d.y * s);
  c = cos(look.x); s = sin(look.x);
  return vec3(d.x * c + d.z * s, d.y, -d.x * s + d.z * c);
}

float lipschitz() { return place == 2 ? .5 : place == 1 ? .62 : .68; }
float ceiling() { return place == 2 ? 62. : place == 3 ? 16. : 14.; }

#ifdef BEAM
OUT0(float, skip)
void each() {
  vec3 d = ray(HERE);
  float t = .2, k = lipschitz(), cone = ASPECT / size.y * .75;
  for (int i = 0; i < 64; i++) {
    vec3 p = eye + d * t;
    float e = (p.y - height(p.xz)) * k - cone * t;
    if (e < .01 || t > FAR || (d.y > .02 && p.y > ceiling() + cone * t)) break;
    t += max(e, .01 * t);
  }
  skip = max(t * .98 - .1, .2);
}
#else
struct Hit { float t; vec3 n; int material; float up; };
const int GROUND = 0, WATER = 1, TRUNK = 2, PINE = 3, LEAF = 4, CACTUS = 5, ROCK = 6;

#ifdef PLANTS
GIVEN(vec4, foot)             // x, y, z of the foot relative to the eye, height
GIVEN(float, turn)
OUT0(vec4, surface)   // normal, distance
OUT1(float, material) // material + 0.99 * share of the height

//@shapes


void each() {
  vec3 d = ray(HERE + window);
  Hit hit = Hit(FAR, vec3(0., 1., 0.), -1, 0.);
  plant(-foot.xyz, d, foot.w, turn, hit);
  if (hit.material < 0) MISS;
  surface = vec4(hit.n, hit.t);
  material = float(hit.material) + .99 * hit.up;
  DEPTH(hit.t / FAR)
}
#else
uniform sampler2D surfaces, materials;  // what the plant pass drew
OUT0(vec4, colour)
OUT1(float, distance_m)

vec3 sun() { float a = tod * 6.2831853; return normalize(vec3(cos(a), sin(a) * .9, .42)); }
vec3 moon() { vec3 s = sun(); return normalize(vec3(-s.x, .35 + .5 * abs(s.y), -.55)); }
float daylight() { return smoothstep(-.16, .22, sun().y); }
float glow() { float y = sun().y; return exp(-y * y * 22.); }

// The light of low sun: dusk is orange and red, dawn is rose and cool.
vec3 low_sun() { return sun().x > 0. ? vec3(1., .56, .50) : vec3(1., .43, .14); }

vec3 horizon_colour() {
  float day = daylight(), g = glow();
  vec3 c = mix(vec3(.055, .075, .16), vec3(.66, .77, .90), day);
  c = mix(c, sun().x > 0. ? vec3(.80, .66, .70) : vec3(.86, .52, .33), g * .72);
  vec3 grey = mix(vec3(.075, .085, .115), vec3(.62, .65, .69), day);
  return mix(c, grey * mix(vec3(1.), vec3(1.08, .93, .86), g), smoothstep(.45, .95, cloud) * .9);
}

vec3 sky(vec3 d) {
  vec3 s = sun(), m = moon();
  float day = daylight(), g = glow(), h = max(d.y, 0.), over = smoothstep(.45, .95, cloud);
  vec3 zenith = mix(vec3(.018, .028, .085), vec3(.16, .38, .78), day);
  zenith = mix(zenith, sun().x > 0. ? vec3(.34, .40, .62) : vec3(.30, .27, .50), g * .55);
  zenith = mix(zenith, mix(vec3(.05, .055, .075), vec3(.50, .53, .58), day), over * .92);
  vec3 c = mix(horizon_colour(), zenith, 1. - pow(1. - h, 3.2));
  float toward = max(dot(d, s), 0.);
  float open = 1. - over;
  c += low_sun() * g * pow(toward, 5.) * pow(1. - h, 3.) * .55 * open;
  c += mix(low_sun(), vec3(1., .95, .82), day * (1. - g)) * (pow(toward, 900.) * 2.2 + pow(toward, 60.) * .22) * smoothstep(-.12, .02, s.y) * open;
  float night = 1. - day;
  if (night > .02) {
    float toMoon = max(dot(d, m), 0.);
    c += vec3(.82, .88, 1.) * (smoothstep(.99925, .9996, toMoon) * .95 + pow(toMoon, 120.) * .16) * night * (1. - .85 * over);
    vec2 q = d.xz / (d.y + .55) * 34.;
    vec4 r = texelFetch(noise, ivec2(mod(floor(q), 256.)), 0);
    float dist = length(fract(q) - (.25 + .5 * fract(r.yz * 7.)));
    float star = smoothstep(.13, .02, dist) * step(.55, fract(r.x * 13.)) * fract(r.w * 11.);
    if (specks) c += star * night * night * (1. - over) * smoothstep(.0, .14, d.y) * vec3(.9, .95, 1.);
  }
  if (d.y > .015) {
    vec2 q = d.xz / (d.y + .12) * 5. + clock * vec2(.35, .12);
    float n = rnd(q * 1.).x * .58 + rnd(q * 2.7 + 31.).y * .28 + rnd(q * 6.1).z * .14;
    float thick = smoothstep(mix(.68, .20, cloud), mix(.86, .62, cloud), n) * smoothstep(.015, .16, d.y);
    vec3 lit = mix(vec3(.10, .12, .19), vec3(1., .99, .97), day);
    lit = mix(lit, low_sun() * 1.05 + .06, g * .62 * open);
    vec3 base = mix(lit, mix(vec3(.07, .08, .12), vec3(.60, .63, .69), day), clamp(over * .75 + (n - .5) * 1.1, 0., 1.));
    c = mix(c, base, thick * .88);
  }
  return c;
}

float shade(vec3 p, vec3 l) {  // 1 lit, 0 in shadow of hills and crowns
  float light = 1., t = .6;
  for (int i = 0; i < 9; i++) {
    vec3 q = p + l * t;
    light = min(light, .5 + .5 * clamp((q.y - height(q.xz)) / t * 9., -1., 1.));
    t *= 1.75;
  }
  vec2 way = l.xz / max(length(l.xz), 1e-3);
  for (int i = 0; i < 4; i++) {
    vec2 cell = floor((p.xz + way * float(i) * 5.5) / CELL);
    vec4 c = texelFetch(cells, ivec2(mod(cell, TILE / CELL)), 0);
    if (c.b > 0.) {
      int kind = int(c.a + .5);
      vec2 at = (cell + c.rg) * CELL;
      float mid = kind == 2 ? .62 : kind == 1 ? .42 : kind == 3 ? .5 : .2, wide = kind == 2 ? .33 : kind == 1 ? .20 : kind == 3 ? .14 : .8;
      vec3 o = vec3(at.x, height(at) + c.b * mid, at.y) - p;
      float along = dot(o, l);
      float miss = length((o - l * along) * vec3(1., kind == 3 || kind == 1 ? .45 : .9, 1.)) / (c.b * wide);
      if (along > 0.) light = min(light, smoothstep(.72, 1.15, miss));
    }
  }
  return light;
}

vec3 ground_albedo(vec3 p, vec3 n, float tint) {
  float near = rnd(p.xz * 9.).x, mid = rnd(p.xz * 2.1).y, wide = rnd(p.xz * .31).z, r = near * .35 + mid * .35 + wide * .3;
  vec3 c;
  if (place == 1) {
    float ripple = .5 + .5 * sin(p.x * 2.6 + p.z * 1.1 + mid * 7.);
    c = mix(vec3(.80, .55, .29), vec3(.93, .72, .44), r) * (.93 + .07 * ripple);
  } else if (place == 2) {
    vec3 rock = mix(vec3(.27, .26, .27), vec3(.47, .44, .42), r);
    vec3 grass = mix(vec3(.20, .32, .12), vec3(.38, .42, .18), r);
    c = mix(rock, grass, smoothstep(.80, .93, n.y) * smoothstep(26., 10., p.y + wide * 8.));
    c = mix(c, vec3(.92, .94, .98), smoothstep(19., 27., p.y + mid * 7. - 4.) * smoothstep(.52, .78, n.y));
  } else {
    c = mix(vec3(.17, .36, .08), vec3(.46, .50, .17), r * .7 + tint * .5);
    c = mix(c, vec3(.44, .37, .26) * (.8 + .4 * mid), smoothstep(.80, .62, n.y));
    if (place == 0) c = mix(c, mix(vec3(.95, .85, .25), vec3(.85, .35, .55), step(.5, wide)), smoothstep(.80, .86, near) * smoothstep(.45, .6, wide) * .75);
  }
  if (place != 1) c = mix(mix(vec3(.78, .68, .47), vec3(.66, .56, .38), near), c, smoothstep(.25, place == 3 ? 1.6 : .8, p.y + mid * .6 - .3));
  return c;
}

void each() {
  vec3 d = ray(HERE + window);
  float k = lipschitz();
  Hit hit = Hit(FAR, vec3(0., 1., 0.), -1, 0.);
  float t = textureLod(beam, (HERE + window) / size, 0.).r;
  for (int i = 0; i < 72; i++) {
    vec3 p = eye + d * t;
    float e = p.y - height(p.xz);
    if (e < .0012 * t + .004) { hit.t = t; hit.material = GROUND; break; }
    t += max(e * k, .0045 * t);
    if (t > FAR || (d.y > .0 && p.y > ceiling())) break;
    if (i == 71) { hit.t = t; hit.material = GROUND; }
  }
  if (hit.material < 0 && d.y < 0.) { hit.t = FAR * .999; hit.material = GROUND; }
  if (place != 1 && d.y < -1e-4) {
    float w = -eye.y / d.y;
    if (w < hit.t) { hit.t = w; hit.material = WATER; }
  }
  vec4 seen = texelFetch(surfaces, ivec2(HERE), 0);
  if (seen.w > 0. && seen.w < hit.t) {
    float m = texelFetch(materials, ivec2(HERE), 0).r;
    hit = Hit(seen.w, seen.xyz, int(m), fract(m));
  }

  vec3 s = sun(), background = sky(d), c = background;
  float day = daylight(), g = glow(), over = smoothstep(.45, .95, cloud), night = 1. - day;
  if (hit.material >= 0) {
    vec3 p = eye + d * hit.t, l = s.y > -.04 ? normalize(vec3(s.x, max(s.y, .06), s.z)) : moon(), n = hit.n, albedo;
    vec3 direct = s.y > -.04 ? mix(low_sun() * 1.0, vec3(1.25, 1.17, 1.02), smoothstep(.02, .42, s.y)) * smoothstep(-.04, .10, s.y) : vec3(.15, .19, .30);
    direct *= mix(1., .18, over);
    vec3 ambient = mix(vec3(.055, .07, .13), vec3(.34, .40, .50), day) * mix(1., 1.12, over) + low_sun() * g * .10;
    if (hit.material == WATER) {
      float calm = 1. / (1. + hit.t * .03);
      vec2 q = p.xz * 1.7;
      vec4 a = rnd(q * 2. + clock * vec2(3.1, 1.3)), b = rnd(q * 4.9 - clock * vec2(2.2, 3.7));
      n = normalize(vec3((a.x + b.y - 1.) * .34 * calm, 1., (a.z + b.w - 1.) * .34 * calm));
      vec3 r = reflect(d, n);
      r.y = abs(r.y) + .01;
      float f = .04 + .96 * pow(1. - max(dot(-d, n), 0.), 5.), depth = clamp(-height(p.xz) * .35, 0., 1.);
      vec3 body = mix(vec3(.16, .42, .42), vec3(.02, .13, .22), depth) * (ambient * 1.5 + direct * .35);
      c = mix(body, sky(normalize(r)), f * .9);
      c += direct * pow(max(dot(r, l), 0.), 180.) * 1.3 * (1. - over);
      float foam = smoothstep(.16, .0, -height(p.xz) - .10 * sin(clock * 1.6 + a.x * 9.));
      c = mix(c, (ambient + direct * .6), foam * .55);
    } else {
      float soft = 1.;
      if (hit.material == GROUND) {
        vec4 g4 = textureLod(terrain, p.xz / TILE, 0.);
        n = normalize(vec3(-g4.g, 1., -g4.b));
        if (place == 1) n = normalize(n + vec3(cos(p.x * 2.6 + p.z * 1.1 + rnd(p.xz * 2.1).y * 7.) * .10 / (1. + hit.t * .05), 0., 0.));
        albedo = ground_albedo(p, n, g4.a);
      } else {
        float grain = rnd(p.xz * 13. + p.y * 17.).x, lump = rnd(p.xz * 3.3 + p.y * 4.1).y;
        if (hit.material == PINE) { albedo = mix(vec3(.045, .14, .075), vec3(.12, .27, .11), lump * .6 + hit.up * .4) * (.8 + .4 * grain); soft = .55 + .45 * fract(hit.up * 4.6 + .35); }
        else if (hit.material == LEAF) { albedo = mix(vec3(.11, .27, .05), vec3(.34, .45, .10), lump * .7 + .2 * grain); soft = .62 + .38 * hit.up; n = normalize(n + (vec3(lump, grain, 1. - lump) - .5) * .9); }
        else if (hit.material == CACTUS) { albedo = mix(vec3(.16, .36, .17), vec3(.30, .50, .24), .5 + .5 * sin(atan(hit.n.z, hit.n.x) * 12.)); }
        else if (hit.material == TRUNK) albedo = vec3(.27, .19, .12) * (.75 + .5 * grain);
        else { albedo = (place == 1 ? vec3(.62, .40, .26) : vec3(.42, .41, .40)) * (.65 + .6 * lump); n = normalize(n + (vec3(lump, grain, lump * grain * 2.) - .5) * .8); }
      }
      albedo = mix(albedo, vec3(.90, .92, .97), cover * smoothstep(.30, .62, n.y + (hit.material == PINE ? .15 : 0.) + .1 * rnd(p.xz * 5.).y));
      albedo *= 1. - .28 * rain * (1. - cover);
      float lambert = max(dot(n, l), 0.);
      float lit = lambert > 0. ? shade(p + n * .08, l) : 0.;
      float wrap = .5 + .5 * n.y;
      c = albedo * (direct * lambert * lit + ambient * (.45 + .55 * wrap) * soft + direct * .10 * soft * max(dot(n, -l), 0.));
      c += direct * lit * pow(max(dot(reflect(d, n), l), 0.), 24.) * .10 * rain;
    }
    vec3 air = mix(horizon_colour(), background, .35) + low_sun() * g * pow(max(dot(d, s), 0.), 4.) * .18 * (1. - over);
    float thick = exp(-hit.t * (.0030 + .0016 * over + .010 * rain + .012 * snow + .042 * fog)) * smoothstep(FAR, FAR * .72, hit.t);
    c = mix(air, c, thick);
  }
  vec3 mist = horizon_colour();
  if (hit.material < 0) c = mix(c, mist, clamp(fog * (1.02 - .55 * max(d.y, 0.)) + (rain + snow) * .35 * exp(-4. * max(d.y, 0.)), 0., 1.));

  if (specks && snow > .01) {
    vec2 uv = vec2(atan(d.x, d.z), asin(clamp(d.y, -1., 1.)));
    for (int i = 0; i < 3; i++) {
      float f = 10. + 8. * float(i);
      vec2 q = uv * f + vec2(sin(clock * .7 + float(i)) * .4, clock * (5.2 - float(i)) ) + float(i) * 17.3;
      vec4 r = texelFetch(noise, ivec2(mod(floor(q), 256.)), 0);
      float here = step(1. - .5 * snow, fract(r.x * 17.));
      c = mix(c, mix(vec3(.30, .33, .42), vec3(.96, .97, 1.), day), here * .8 * smoothstep(.13, .05, length(fract(q) - .25 - .5 * fract(r.yz * 9.))));
    }
  }
  if (specks && rain > .01) {
    vec2 uv = vec2(atan(d.x, d.z), d.y);
    for (int i = 0; i < 2; i++) {
      vec2 f = vec2(34. + 20. * float(i), 3.2 + 1.6 * float(i));
      vec2 q = uv * f + vec2(float(i) * 9.7, 0.);
      float r0 = fract(texelFetch(noise, ivec2(mod(vec2(floor(q.x), 7.), 256.)), 0).x * 17.);
      q.y += clock * (9. + 3. * r0) + r0 * 40.;
      vec4 r = texelFetch(noise, ivec2(mod(floor(q), 256.)), 0);
      float here = step(1. - .55 * rain, fract(r.y * 13.));
      float streak = smoothstep(.16, .03, abs(fract(q.x) - .5)) * smoothstep(.0, .25, fract(q.y)) * smoothstep(.85, .45, fract(q.y));
      c = mix(c, mix(vec3(.22, .25, .32), vec3(.78, .82, .88), day), here * streak * .38);
    }
  }
  c = c * (1. + c * .12) / (c * .62 + .62);
  colour = vec4(pow(clamp(c, 0., 1.), vec3(.92)), 1.);
  distance_m = hit.material < 0 ? FAR : min(hit.t, FAR);
}
#endif
#endif
