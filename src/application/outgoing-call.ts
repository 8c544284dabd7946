/** A call to another process, as far as whoever traces it wants to know. */
export interface OutgoingCall {
  readonly method: string;
  /** The pattern of the route there. */
  readonly route: string;
  readonly url: URL;
}

/** Of the trace that a call belongs to. */
export interface CallTrace {
  /** To be sent with it. */
  readonly headers: Readonly<Record<string, string>>;
  /** To be told of the answer's status, where there is one. */
  answered(status: number): void;
}

/** Makes a call by way of `ask`; what that resolves or rejects with is the result. */
export type CallOut = <T>(call: OutgoingCall, ask: (trace: CallTrace) => Promise<T>) => Promise<T>;

const NO_TRACE: CallTrace = { headers: {}, answered: () => undefined };

/** Where nobody wants traces. */
export const callUntraced: CallOut = (_call, ask) => ask(NO_TRACE);
