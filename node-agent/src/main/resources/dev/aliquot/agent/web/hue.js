// Each tenant has a colour on its device, and keeps it while it is there.

const HUES = 8;
const devices = new Map();

/** A hue for each of a device's tenants, no two the same where there are enough. */
export function hues(device, tenants) {
  const before = devices.get(device) ?? new Map();
  const kept = new Map(tenants.filter(each => before.has(each.id)).map(each => [each.id, before.get(each.id)]));
  for (const { id } of tenants) {
    if (!kept.has(id)) {
      const taken = [...kept.values()];
      const count = hue => taken.filter(each => each === hue).length;
      kept.set(id, [...Array(HUES).keys()].reduce((best, hue) => (count(hue) < count(best) ? hue : best)));
    }
  }
  devices.set(device, kept);
  return kept;
}
