// Points of light: flames, embers, sparks of fireworks, lamps. As discs of light that what is nearer hides.
#ifdef VERTEX
in vec2 corner;
in vec4 at, tone;  // relative to the eye, radius; colour, strength
uniform mat3 gaze;
uniform vec4 window;
uniform float span;
uniform vec2 size;
out vec2 inside;
out vec4 light;
out float away;
void main() {
  vec3 q = at.xyz * gaze;
  inside = corner; light = tone; away = length(at.xyz);
  float unit = window.w / span;
  float r = max(at.w / max(q.z, .05) * unit, .8);
  light.a *= min(1., pow(at.w / max(q.z, .05) * unit / r, 2.) + .15);
  vec2 pixel = q.xy / max(q.z, .05) * unit + .5 * window.zw - window.xy + corner * r;
  gl_Position = q.z > .1 ? vec4(pixel / size * 2. - 1., 0., 1.) : vec4(2., 2., 2., 1.);
}
#else
in vec2 inside;
in vec4 light;
in float away;
uniform sampler2D distances;
OUT0(vec4, colour)
void each() {
  float r = dot(inside, inside);
  if (r > 1. || texelFetch(distances, ivec2(HERE), 0).r < away - .4) MISS;
  float f = (1. - r) * (1. - r);
  colour = vec4(light.rgb * light.a * f, 0.);
}
#endif
