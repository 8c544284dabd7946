/** The fields of a server-sent event that matter here. */
export interface Frame {
  readonly id: string | undefined;
  readonly data: string;
}

/**
 * Parses the text of an event stream (WHATWG HTML §9.2.6), however it was split into chunks. Text
 * that is not yet followed by an empty line is kept; comments and other fields are ignored.
 */
export function createFrameParser(): (text: string) => Frame[] {
  let rest = '';

  return (text) => {
    // A line may end with CR, LF or CRLF; a CR at the end of the text may be half of a CRLF.
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
