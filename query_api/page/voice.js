// The microphone: what a shopper says, until they stop or `MAX_S` seconds are over.
const MAX_S = 10;

// Browsers give the microphone to secure pages alone, which those of localhost are.
export const canListen = () => window.isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

// As it is: the service evens loudness out itself, and what a browser's gain has clipped is heard worse.
const SOUND = { channelCount: 1, echoCancellation: false, autoGainControl: false };

export class Microphone {
  #onChange;
  #onSound;
  #isAsking = false;
  #recorder = null;

  // onChange(isListening); onSound(Blob), which may be empty.
  constructor({ onChange, onSound }) {
    this.#onChange = onChange;
    this.#onSound = onSound;
  }

  // Begin to listen. Rejects with the browser's error where there is no microphone, or no leave to use it.
  async listen() {
    if (this.#isAsking || this.#recorder) return;
    this.#isAsking = true;
    try {
      this.#record(await navigator.mediaDevices.getUserMedia({ audio: SOUND }));
    } finally {
      this.#isAsking = false;
    }
  }

  get isListening() { return this.#recorder !== null; }

  // End with what was said so far.
  stop() { if (this.#recorder?.state === "recording") this.#recorder.stop(); }

  // End, and forget what was said.
  cancel() {
    if (!this.#recorder) return;
    this.#recorder.onstop = () => {};
    this.stop();
    this.#end();
  }

  #record(stream) {
    const pieces = [];
    const recorder = (this.#recorder = new MediaRecorder(stream));
    recorder.ondataavailable = (event) => pieces.push(event.data);
    recorder.onstop = () => { this.#end(); this.#onSound(new Blob(pieces, { type: recorder.mimeType })); };
    recorder.timer = setTimeout(() => this.stop(), MAX_S * 1000);
    recorder.start();
    this.#onChange(true);
  }

  #end() {
    clearTimeout(this.#recorder.timer);
    for (const track of this.#recorder.stream.getTracks()) track.stop();
    this.#recorder = null;
    this.#onChange(false);
  }
}
