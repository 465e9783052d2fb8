// Requests to the server, and the answers that it has not taken yet: they are kept in the browser until it has.

export class Refused extends Error {
  constructor(words, status) {
    super(words);
    this.status = status;
  }
}

export async function call(path, body) {
  let reply;
  try {
    reply = await fetch(path, body === undefined ? {} : {
      method: "POST", body: JSON.stringify(body), headers: {"content-type": "application/json"},
    });
  } catch {
    throw new Refused("the server cannot be reached", 0);
  }
  const value = await reply.json().catch(() => null);
  if (!reply.ok || value === null) throw new Refused(value?.error ?? `the server failed (${reply.status})`, reply.status);
  return value;
}

/** Whatever passes by itself: no connection, a server that starts again, a key that is asked for. */
const passes = (error) => error.status === 0 || error.status === 401 || error.status === 429 || error.status >= 500;

/** Answers on their way, the oldest first. They outlive the page, the browser and the server. */
export class Outbox {
  constructor(name, told) {
    this.place = `fieldguide-outbox-${name}`;
    this.told = told; // is called with (sent, trouble, the server's reply)
    this.busy = false;
  }

  get waiting() {
    try {
      return JSON.parse(localStorage.getItem(this.place)) ?? [];
    } catch {
      return [];
    }
  }

  keep(list) {
    localStorage.setItem(this.place, JSON.stringify(list));
  }

  add(key, body) {
    this.keep([...this.waiting.filter((one) => one.key !== key), {key, body}]);
    this.send();
  }

  async send() {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let [one] = this.waiting; one; [one] = this.waiting) {
        try {
          const reply = await call(`/api/pages/${one.key}`, one.body);
          this.done(one);
          this.told(one, null, reply);
        } catch (error) {
          if (!passes(error)) this.done(one);
          this.told(one, error, null);
          if (passes(error)) return;
        }
      }
    } finally {
      this.busy = false;
    }
  }

  done(one) {
    this.keep(this.waiting.filter((other) => other.key !== one.key || JSON.stringify(other.body) !== JSON.stringify(one.body)));
  }
}
