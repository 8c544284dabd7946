import { type MetricFamily, type NumberSample, counter, gauge } from './metric-family.js';

/** Figures of admission control. */
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
      'Requests over the rate limit of their client (429); also in inventory_http_requests_total, as unmatched.',
      limiter.limited,
    ),
    gauge(
      'inventory_limiter_clients',
      'Clients that the rate limiter tracks.',
      limiter.clients,
      'largest',
    ),
    counter(
      'inventory_shed_total',
      'Requests refused because of overload (503); also in inventory_http_requests_total.',
      byLane(({ shed }) => shed),
    ),
    counter(
      'inventory_admitted_total',
      'Requests admitted.',
      byLane(({ admitted }) => admitted),
    ),
    gauge(
      'inventory_lane_requests',
      'Requests fully received and not answered yet; at LOAD_SHED_QUEUE_MAX further ones are shed, or wait.',
      byLane(({ queued }) => queued),
      'each',
    ),
    gauge(
      'inventory_lane_receiving',
      'Requests admitted, with a body that is still arriving; at four times LOAD_SHED_QUEUE_MAX further ones are shed, or wait.',
      byLane(({ receiving }) => receiving),
      'each',
    ),
    gauge(
      'inventory_lane_waiting',
      'Requests not admitted, for lack of room: they wait for room, or for their refusal (503).',
      byLane(({ waiting }) => waiting),
      'each',
    ),
    gauge(
      'inventory_paused_connections',
      'Connections whose reads are paused after a refusal.',
      paused,
    ),
  ];
}
