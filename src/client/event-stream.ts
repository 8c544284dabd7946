/** One server-sent event, as far as it matters here. */
export interface Frame {
  readonly id: string | undefined;
  readonly data: string;
}

/**
 * Takes the text of an event stream apart (WHATWG HTML §9.2.6), however it was cut into pieces. What
 * has no empty line behind it yet is no event, and is kept; comments and other fields are left out.
 */
export function createFrameParser(): (text: string) => Frame[] {
  let rest = '';

  return (text) => {
    // A line may end with CR, LF or both; a CR at the end may be half of both.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    const frames: Frame[] = [];
    let data: string[] = [];
    let id: string | undefined;
    let start = 0;
    for (let index = 0; index < lines.length - 1; index += 1) {
      const line = lines[index] ?? '';
      if (line === '') {
        if (data.length > 0) frames.push({ id, data: data.join('\n') });
        data = [];
        id = undefined;
        start = index + 1;
      } else if (line.startsWith('data:')) data.push(valueOf(line));
      else if (line.startsWith('id:')) id = valueOf(line);
    }
    rest = lines.slice(start).join('\n');
    return frames;
  };
}

function valueOf(line: string): string {
  return line.slice(line.indexOf(':') + 1).replace(/^ /, '');
}
