/** The reading side of a stream: bytes in, frames out, as a pipeline. */
import type { Stream } from "@libp2p/interface"
import { messageStreamToDuplex } from "@libp2p/utils"
import { pipe } from "it-pipe"
import { badFrame } from "../codec.ts"
import { FrameDecoder, type ChannelFrame } from "./frames.ts"

/**
 * Gives `receive` the frames of a stream, those that came together at once.
 * Resolves when the other side has ended the stream between two frames;
 * rejects with `P2PSIP_BAD_FRAME`, or with the stream's own error.
 */
export function readFrames(
  stream: Stream,
  maxFrameBytes: number,
  receive: (frames: readonly ChannelFrame[]) => void,
): Promise<void> {
  return pipe(
    messageStreamToDuplex(stream).source,
    (source) => decode(source, new FrameDecoder(maxFrameBytes)),
    async (batches) => {
      for await (const frames of batches) receive(frames)
    },
  )
}

// One turn of the pipeline for each read and not for each frame: the promises
// of an async generator would cost more than the frame's own work.
async function* decode(
  source: AsyncIterable<Uint8Array | Iterable<Uint8Array>>,
  decoder: FrameDecoder,
): AsyncGenerator<readonly ChannelFrame[]> {
  for await (const data of source) {
    if (data instanceof Uint8Array) yield decoder.push(data)
    else for (const part of data) yield decoder.push(part)
  }
  if (!decoder.isBetweenFrames) throw badFrame("the end of a frame", "the end of the stream")
}
