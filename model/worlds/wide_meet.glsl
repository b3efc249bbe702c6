// What each pixel's ray meets first: ground, water, or what the passes before it met.
uniform sampler2D beam, surfaces, materials;
OUT0(vec2, met)  // metres; material and .99 * share of a plant's height, -1 for the sky
const int GROUND = 0, WATER = 1;
void each() {
  vec3 d = ray(HERE);
  float far = march(eye, d, textureLod(beam, HERE / size, 0.).r, 150, .0035);
  float found = FAR, material = -1.;
  if (far < FAR) { found = far; material = float(GROUND); }
  else if (d.y < 0. && far < FAR * 1.5) { found = FAR * .999; material = float(GROUND); }
#if PLACE != 2 && PLACE != 7
  if (d.y < -1e-4) { float w = -eye.y / d.y; if (w < found || (material < 0. && w < FAR)) { found = w; material = float(WATER); } }
#endif
  float seen = texelFetch(surfaces, ivec2(HERE), 0).w;
  if (seen > 0. && seen < found) { found = seen; material = texelFetch(materials, ivec2(HERE), 0).r; }
  met = vec2(found, material);
  DEPTH(material < 0. ? .25 : int(material) == WATER ? .5 : .75)  // for SHOWS 0, 1, 2 of wide_scene.glsl
}
