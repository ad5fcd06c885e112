/* global window, RTCPeerConnection */
// A browser's phone: JsSIP, driven by the scenario `browser` through `window.phone`.
import JsSIP from "jssip"

const microphone = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } }

let ua
let session
/** How the present call ended: `local`, `remote`, or why it failed. */
let ended
/** Whether the other side is a phone without DTLS. */
let isPlain = false

function watch(call) {
  session = call
  ended = new Promise((resolve) => {
    call.once("ended", ({ originator }) => resolve(originator))
    call.once("failed", ({ cause }) => resolve(cause))
  })
}

// Browsers refuse sessions without DTLS. The description of such a phone is
// replaced by that of a connection of this page, which takes its media.

function standInForCallee(call) {
  const standIn = new RTCPeerConnection()
  let answer
  call.on("sdp", async (event) => {
    if (event.originator === "remote") {
      event.sdp = answer
      return
    }
    await standIn.setRemoteDescription({ type: "offer", sdp: event.sdp })
    await standIn.setLocalDescription()
    answer = standIn.localDescription.sdp
  })
}

async function standInForCaller(call) {
  const standIn = new RTCPeerConnection()
  standIn.addTransceiver("audio")
  await standIn.setLocalDescription()
  const offer = standIn.localDescription.sdp
  call.on("sdp", (event) => {
    if (event.originator === "remote") event.sdp = offer
    else void standIn.setRemoteDescription({ type: "answer", sdp: event.sdp })
  })
}

window.phone = {
  /** Connects and registers; `registered`, or why not. */
  register(url, uri, password) {
    ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(url)], uri, password, session_timers: false })
    ua.on("newRTCSession", async ({ originator, session: call }) => {
      if (originator !== "remote") return
      watch(call)
      if (isPlain) await standInForCaller(call)
      call.answer(microphone)
    })
    return new Promise((resolve) => {
      ua.once("registered", () => resolve("registered"))
      ua.once("registrationFailed", ({ cause }) => resolve(cause))
      ua.start()
    })
  },
  /** From now on the others are phones without DTLS, or are not. */
  expectPlain(value) {
    isPlain = value
  },
  /** `confirmed`, or why not. */
  call(to) {
    const call = ua.call(to, microphone)
    watch(call)
    if (isPlain) standInForCallee(call)
    return new Promise((resolve) => {
      call.once("confirmed", () => resolve("confirmed"))
      call.once("failed", ({ cause }) => resolve(cause))
    })
  },
  hangUp() {
    session.terminate()
  },
  ended: () => ended,
  /** Packets of sound that have come in. */
  async packetsReceived() {
    const stats = await session.connection.getStats()
    return [...stats.values()].filter(({ type }) => type === "inbound-rtp").reduce((sum, { packetsReceived }) => sum + packetsReceived, 0)
  },
}
