// Says on the front page how fresh the service is.
const state = document.getElementById('state');

try {
  const status = await (await fetch('/v1/status')).json(); // which asks nobody for a token
  const { stations, measures, readings } = status.rows;
  const fault = status.fault === 'none' ? '' : `, the fault is with: ${status.fault}`;
  state.textContent = `${readings.toLocaleString()} readings of ${measures.toLocaleString()} measures ` +
    `at ${stations.toLocaleString()} stations, as of ${status.as_of}; the service is ${status.state}${fault}.`;
} catch {
  state.textContent = 'Nothing has been stored yet.';
}
