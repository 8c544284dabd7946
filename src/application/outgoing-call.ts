/** A call to another process, as described to tracing. */
export interface OutgoingCall {
  readonly method: string;
  /** The pattern of the called route. */
  readonly route: string;
  readonly url: URL;
}

/** The trace of one call. */
export interface CallTrace {
  /** Headers to send with the call. */
  readonly headers: Readonly<Record<string, string>>;
  /** To be called with the status of the answer, if there is one. */
  answered(status: number): void;
}

/** Makes a call by way of `ask`, and settles as `ask` does. */
export type CallOut = <T>(call: OutgoingCall, ask: (trace: CallTrace) => Promise<T>) => Promise<T>;

const NO_TRACE: CallTrace = { headers: {}, answered: () => undefined };

/** For when tracing is off. */
export const callUntraced: CallOut = (_call, ask) => ask(NO_TRACE);
