/** As much of a browser's media as signalling needs, so that browser software runs inside Node. */

const session = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 9 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", ""].join("\r\n")

interface Description {
  readonly type: string
  readonly sdp: string
}

class FakePeerConnection extends EventTarget {
  readonly iceGatheringState = "complete"
  readonly iceConnectionState = "connected"
  signalingState = "stable"
  localDescription: Description | undefined
  remoteDescription: Description | undefined

  async createOffer(): Promise<Description> {
    return { type: "offer", sdp: session }
  }

  async createAnswer(): Promise<Description> {
    return { type: "answer", sdp: session }
  }

  async setLocalDescription(description: Description): Promise<void> {
    this.localDescription = description
  }

  async setRemoteDescription(description: Description): Promise<void> {
    this.remoteDescription = description
  }

  getSenders(): unknown[] {
    return []
  }

  addTrack(): void {
    // Nothing is ever sent.
  }

  close(): void {
    this.signalingState = "closed"
  }
}

class FakeSessionDescription implements Description {
  readonly type: string
  readonly sdp: string

  constructor({ type, sdp }: Description) {
    this.type = type
    this.sdp = sdp
  }
}

/** Puts the fakes where browser software looks for them. */
export function pretendToBeABrowser(): void {
  Object.assign(globalThis, { window: globalThis, RTCPeerConnection: FakePeerConnection, RTCSessionDescription: FakeSessionDescription })
}

/** A microphone without a sound. */
export const silence = {
  getTracks: () => [],
  getAudioTracks: () => [],
  getVideoTracks: () => [],
}
