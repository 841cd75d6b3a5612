// The last hour, as the agent has kept it; later points come with the states.

let loading = null;

/** @returns the history, or null where it cannot be had */
export function load() {
  loading ??= fetch('api/v1/history')
    .then(answer => (answer.ok ? answer.json() : null))
    .then(json => json && { ...json, end: Date.parse(json.end) })
    .catch(() => null)
    .finally(() => (loading = null));
  return loading;
}

/** The history with a point added; null where one is missing between, and it has to be loaded anew. */
export function add(past, point, now) {
  if (!past || (point && (point.slot > past.slot + 1 || point.slot < past.slot))) {
    return null;
  }
  if (!point && now - past.end > 2000 * past.stepSeconds) {
    return null; // there is no stream that would tell of points
  }
  if (!point || point.slot === past.slot) {
    return past;
  }
  const devices = past.devices.map(device => {
    const latest = point.devices.find(each => each.device === device.device);
    return {
      ...device,
      utilizationPercent: [...device.utilizationPercent, latest?.utilizationPercent ?? -1].slice(-past.mostPoints),
      usedBytes: [...device.usedBytes, latest?.usedBytes ?? -1].slice(-past.mostPoints),
    };
  });
  return { ...past, slot: point.slot, end: now, devices };
}
