/* global window */
// A browser's phone: SIP.js, driven by the scenario `browser` through `window.phone`, which has the methods of browser-page.js.
import { Inviter, Registerer, RegistererState, SessionState, UserAgent } from "sip.js"

const microphone = { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } }

let ua
let session
/** How the present call ended: `local` or `remote`. */
let ended
let hasHungUp = false

function watch(call) {
  session = call
  hasHungUp = false
  ended = new Promise((resolve) => {
    call.stateChange.addListener((state) => {
      if (state === SessionState.Terminated) resolve(hasHungUp ? "local" : "remote")
    })
  })
}

const statusOf = ({ message }) => `${message.statusCode} ${message.reasonPhrase}`

window.phone = {
  /** Connects and registers; `registered`, or why not. */
  async register(url, uri, password) {
    const [, authorizationUsername] = /^sip:(.*)@/.exec(uri)
    ua = new UserAgent({
      uri: UserAgent.makeURI(uri),
      transportOptions: { server: url },
      authorizationUsername,
      authorizationPassword: password ?? "",
      logLevel: "error",
      sessionDescriptionHandlerFactoryOptions: { iceGatheringTimeout: 500, peerConnectionConfiguration: { iceServers: [] } },
      delegate: {
        onInvite(call) {
          watch(call)
          void call.accept(microphone)
        },
      },
    })
    await ua.start()
    const registerer = new Registerer(ua)
    return new Promise((resolve) => {
      registerer.stateChange.addListener((state) => state === RegistererState.Registered && resolve("registered"))
      void registerer.register({ requestDelegate: { onReject: (response) => resolve(statusOf(response)) } })
    })
  },
  /** `confirmed`, or why not. */
  call(to) {
    const call = new Inviter(ua, UserAgent.makeURI(to), microphone)
    watch(call)
    return new Promise((resolve) => {
      call.stateChange.addListener((state) => state === SessionState.Established && resolve("confirmed"))
      void call.invite({ requestDelegate: { onReject: (response) => resolve(statusOf(response)) } })
    })
  },
  hangUp() {
    hasHungUp = true
    void session.bye()
  },
  ended: () => ended,
  /** Packets of sound that have come in. */
  async packetsReceived() {
    const stats = await session.sessionDescriptionHandler.peerConnection.getStats()
    return [...stats.values()].filter(({ type }) => type === "inbound-rtp").reduce((sum, { packetsReceived }) => sum + packetsReceived, 0)
  },
}
