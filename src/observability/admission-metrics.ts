import { type MetricFamily, type NumberSample, counter, gauge } from './metric-family.js';

/** What admission says of itself. */
export interface AdmissionFigures {
  readonly limiter: {
    readonly clients: number;
    readonly limited: number;
  };
  readonly lanes: Readonly<Record<string, LaneFigures>>;
  readonly paused: number;
}

interface LaneFigures {
  readonly queued: number;
  readonly receiving: number;
  readonly waiting: number;
  readonly admitted: number;
  readonly shed: number;
}

export function admissionFamilies({
  limiter,
  lanes,
  paused,
}: AdmissionFigures): readonly MetricFamily[] {
  function byLane(figure: (lane: LaneFigures) => number): NumberSample[] {
    return Object.entries(lanes).map(([lane, each]) => ({ labels: { lane }, value: figure(each) }));
  }

  return [
    counter(
      'inventory_limited_total',
      'Requests over the rate of their client (429); not in inventory_http_requests_total.',
      limiter.limited,
    ),
    gauge('inventory_limiter_clients', 'Clients whose rate is known.', limiter.clients, 'largest'),
    counter(
      'inventory_shed_total',
      'Requests refused because there was too much to do (503); not in inventory_http_requests_total.',
      byLane(({ shed }) => shed),
    ),
    counter(
      'inventory_admitted_total',
      'Requests taken in.',
      byLane(({ admitted }) => admitted),
    ),
    gauge(
      'inventory_lane_requests',
      'Whole, and not answered yet; at LOAD_SHED_QUEUE_MAX further ones are shed, or wait.',
      byLane(({ queued }) => queued),
      'each',
    ),
    gauge(
      'inventory_lane_receiving',
      'Taken in, with a body that is still on its way; at four times LOAD_SHED_QUEUE_MAX further ones are shed, or wait.',
      byLane(({ receiving }) => receiving),
      'each',
    ),
    gauge(
      'inventory_lane_waiting',
      'Not taken in, for want of room: they wait for some, or for their refusal (503).',
      byLane(({ waiting }) => waiting),
      'each',
    ),
    gauge(
      'inventory_paused_connections',
      'Connections not read at present after a refusal.',
      paused,
    ),
  ];
}
