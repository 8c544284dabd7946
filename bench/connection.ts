import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  readonly body: string;
}

interface Outcome {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One keep-alive connection that asks one thing after the other. Our own, because the client shares
 * the machine with what it measures: 16 µs of CPU a request, where autocannon takes 67 and undici 36.
 * It reads answers that have a Content-Length, in ASCII, and no others.
 */
export class Connection {
  private asked: Outcome | undefined;
  private head = '';
  private text = '';
  private missing = 0;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (data) => this.take(data.toString('latin1')));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  static async open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new Connection(socket);
  }

  /** `request`: a whole HTTP/1.1 request. Rejects where no answer comes that it can read. */
  ask(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.asked = { resolve, reject };
      this.socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.asked = undefined;
    this.socket.destroy();
  }

  private take(text: string): void {
    this.text += text;
    if (this.head === '') {
      const end = this.text.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.text.slice(0, end);
      this.text = this.text.slice(end + 4);
      const length = /^content-length: *(\d+)/im.exec(this.head)?.[1];
      if (length === undefined) {
        this.fail(new Error(`an answer without Content-Length: ${this.head}`));
        return;
      }
      this.missing = Number(length) - this.text.length;
    } else {
      this.missing -= text.length;
    }
    if (this.missing <= 0) this.answer();
  }

  private answer(): void {
    const { asked, head, text: body } = this;
    this.asked = undefined;
    this.head = '';
    this.text = '';
    if (this.missing < 0) asked?.reject(new Error(`more than the answer came: ${head} ${body}`));
    else asked?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }

  private fail(error: Error): void {
    this.asked?.reject(error);
    this.asked = undefined;
    this.socket.destroy();
  }
}
