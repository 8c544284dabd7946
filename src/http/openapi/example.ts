/** A request of the scenario that the examples tell, as somebody would send it. */
export interface ExampleRequest {
  /** Unique, and what the example is called in the document. */
  readonly name: string;
  /** The id of the operation that it is an example of. */
  readonly operation: string;
  readonly summary: string;
  /** Only where the operation does not say it. */
  readonly method?: string;
  /** As it stands in the request line. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is. */
  readonly body?: object | string;
}

/** The same with its method, and what was answered to it. */
export interface Example extends ExampleRequest {
  readonly method: string;
  readonly answer: ExampleAnswer;
}

export interface ExampleAnswer {
  readonly status: number;
  /** Without what Node adds by itself. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed where it is JSON; undefined: there was none. */
  readonly body?: unknown;
}
