/** A request of the example scenario, as a client would send it. */
export interface ExampleRequest {
  /** Unique; the name of the example in the document. */
  readonly name: string;
  /** The id of the operation that it is an example of. */
  readonly operation: string;
  readonly summary: string;
  /** Only if the operation does not determine it. */
  readonly method?: string;
  /** As in the request line. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is. */
  readonly body?: object | string;
}

/** The request with its method and its response. */
export interface Example extends ExampleRequest {
  readonly method: string;
  readonly answer: ExampleAnswer;
}

export interface ExampleAnswer {
  readonly status: number;
  /** Without the headers that Node adds by itself. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed if it is JSON; undefined: the response had no body. */
  readonly body?: unknown;
}
