// A screen rectangle around each plant of one kind, for the plant pass of scene.glsl.
#ifndef COMPUTE
uniform vec2 look, size;
#endif

// half width, half height, height of the middle, as shares of the height
const vec3 BOX = KIND == 1 ? vec3(.28, .52, .49) : KIND == 2 ? vec3(.41, .53, .5) : KIND == 3 ? vec3(.36, .52, .5) : vec3(1.2, .80, .22);

vec4 rectangle(vec4 at) {  // of a plant's foot relative to the eye, and its height: middle and half size, from -1 to 1
  vec3 p = at.xyz + vec3(0., at.w * BOX.z, 0.);
  float c = cos(look.x), s = sin(look.x);
  p = vec3(p.x * c - p.z * s, p.y, p.x * s + p.z * c);
  c = cos(look.y); s = sin(look.y);
  p = vec3(p.x, p.y * c - p.z * s, p.z * c + p.y * s);
  vec2 r = at.w * BOX.xy, middle = vec2(0.), half_size = vec2(1.);
  float around = max(r.x, r.y);
  if (p.z > around * 1.3 + .3) {
    vec2 scale = vec2(size.y / size.x, 1.) / .6, q = p.xy / p.z;
    float near = p.z - r.x * (1. + .8 * abs(look.y)) - .8 * r.y * abs(sin(look.y));
    middle = q * scale;
    half_size = (r + abs(q) * r.x * 1.1 + abs(sin(look.y)) * around) / max(near, .3) * scale + 2. / size;
  } else if (p.z < -around) half_size = vec2(0.);
  return vec4(middle, half_size);
}

#ifdef COMPUTE
vec2 spread(vec2 pixel) { return (pixel + window) / size * 2. - 1.; }
vec4 around(uint row) { return rectangle(four(row * 5u)); }
void take(uint row) { foot = four(row * 5u); turn = rows[row * 5u + 4u]; }
#else
in vec2 corner;
in vec4 at;  // foot relative to the eye, height
in float spin;
out vec4 foot;
out float turn;
void main() {
  foot = at;
  turn = spin;
  vec4 r = rectangle(at);
  gl_Position = vec4(r.xy + corner * r.zw, 0., 1.);
}
#endif
