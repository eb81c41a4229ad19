// Says on the front page how fresh the service is.
const state = document.getElementById('state');

try {
  const service = await (await fetch('/v1', { headers: { Accept: 'application/json' } })).json();
  const counts = service.counts;
  const fault = service.service.fault === 'none' ? '' : `, the fault is with: ${service.service.fault}`;
  state.textContent = `${counts.readings.toLocaleString()} readings of ${counts.measures.toLocaleString()} measures ` +
    `at ${counts.stations.toLocaleString()} stations, as of ${service.as_of}; ` +
    `the service is ${service.service.state}${fault}.`;
} catch {
  state.textContent = 'Nothing has been stored yet.';
}
