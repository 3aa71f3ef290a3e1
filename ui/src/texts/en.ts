/// What the window says in English. The other languages have the same keys, or the build fails. How a failure is
/// worded comes with the snapshot.

/// What to do, and a word more about it.
export type Step = readonly [string, string];

type Months = readonly [string, string, string, string, string, string, string, string, string, string, string, string];

const plural = (count: number, one: string, other: string): string => `${count} ${count === 1 ? one : other}`;
const tries = (count: number): string => plural(count, "try", "tries");

export const en = {
  languageName: "English",

  frame: {
    sections: "Sections",
    card: "My card",
    check: "Check-up",
    settings: "Settings",
    help: "Help",
    back: "Back",
    starting: "One moment…",
    programSilent: "The program does not answer. Close this window and open it again.",
    closesIn: (seconds: number) => `This window closes in ${plural(seconds, "second", "seconds")}.`,
    closeWindow: "Close this window",
    keepOpen: "Keep it open",
    newerVersion: (version: string) => `There is a newer version: ${version}. Install it from where you got this one.`,
  },

  dates: {
    months: ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"] as Months,
    day: (day: string, month: string, year: string) => `${day} ${month} ${year}`,
  },

  time: {
    left: (seconds: number) => `${plural(seconds, "second", "seconds")} left`,
    thenEnds: "After that the request ends by itself. Nothing will have been handed over.",
    more: "I need more time",
  },

  failure: {
    code: (code: string) => `Code: ${code}`,
    again: "Try again",
    unblock: "Unblock the PIN",
    activate: "Put the PIN into use",
    resume: "Use the last try",
    chooseReader: "Choose the reader",
    lostCard: "What to do without a card",
    findCause: "Find the cause",
    close: "Close",
  },

  card: {
    lookingForReaders: "Looking for card readers…",
    lookingAtCard: "Looking at the card…",
    connectReader: "Connect your card reader",
    connectReaderHow: "Plug it into the computer. This page changes by itself when the reader is there.",
    readerIsThere: "It is connected: find the cause",
    noReader: "I have no reader",
    insertCard: "Insert your ID card",
    insertCardHow: "Chip first, with the chip facing up. Nothing about you is read until you ask for it.",
    readers: "Readers",
    readerEmpty: "no card",
    readerFull: "card inserted",
    severalCards: "Which card?",
    severalCardsHow: "There are cards in several readers. Choose the one to use.",
    lost: "I lost my card",
    title: "My card",
    inReader: (reader: string) => `in ${reader}`,
    pin: "PIN",
    pinUsable: (left: number) => `in use, ${tries(left)} left`,
    pinSuspended: "suspended, 1 try left",
    pinBlocked: "blocked",
    pinDeactivated: "out of use",
    suspendedTitle: "One try is left",
    suspendedWhy:
      "The PIN was entered wrongly twice. To protect you, the card now asks for the CAN first: the six digits printed on it. One more mistake blocks the PIN.",
    blockedTitle: "The PIN is blocked",
    blockedWhy:
      "It was entered wrongly three times. You can unblock it with the PUK, the ten digits in the letter that came with the card.",
    deactivatedTitle: "The PIN is out of use",
    deactivatedWhy:
      "Nobody can sign in with this card, you included, until the PIN is put into use with the PUK from the letter that came with the card.",
    serviceClosed: "Sites cannot reach Latchkey",
    whatNow: "What do you want to do?",
    look: "Look at the card again",
  },

  tasks: {
    look: { action: "Look at the card", title: "Look at the card", why: "", done: "The card was read" },
    read: {
      action: "See what is on the card",
      title: "See what is on the card",
      why: "The card shows your name and certificates only after the PIN. What it shows stays on this computer.",
      done: "This is on your card",
    },
    "change-pin": {
      action: "Change the PIN",
      title: "Change the PIN",
      why: "You need the PIN you have now, and a new one of six digits that only you know. No birthday, please.",
      done: "The PIN was changed",
    },
    "unblock-pin": {
      action: "Unblock, keep the PIN",
      title: "Unblock the PIN",
      why: "You need the PUK: ten digits, in the letter that came with the card. The PIN stays what it was.",
      done: "The PIN is unblocked",
    },
    "unblock-with-new-pin": {
      action: "Unblock, set a new PIN",
      title: "Unblock and set a new PIN",
      why: "You need the PUK: ten digits, in the letter that came with the card. Then you choose a new PIN. Take this if you forgot the old one.",
      done: "The PIN is unblocked and new",
    },
    "activate-pin": {
      action: "Put the PIN into use",
      title: "Put the PIN into use",
      why: "You need the PUK: ten digits, in the letter that came with the card.",
      done: "The PIN is in use",
    },
    "deactivate-with-pin": {
      action: "Put the PIN out of use",
      title: "Put the PIN out of use",
      why: "Nobody can sign in with the card until you put the PIN into use again. You need the PIN now, and the PUK later.",
      done: "The PIN is out of use",
    },
    "deactivate-with-puk": {
      action: "I forgot the PIN: use the PUK",
      title: "Put the PIN out of use",
      why: "Nobody can sign in with the card until you put the PIN into use again. You need the PUK, now and later.",
      done: "The PIN is out of use",
    },
    askedElsewhere: "The digits are asked for in a small Latchkey window of its own, never in this one and never on a web page.",
    begin: "Begin",
    notNow: "Not now",
    cancel: "Cancel",
    ok: "Done",
    signInAgain: "Go on with the sign-in",
    siteWaits: (host: string) => `${host} is waiting for you to finish this.`,
  },

  contents: {
    title: "This is on your card",
    holder: "Holder",
    latin: "In Latin letters",
    personalNumber: "Personal number",
    certificate: (number: number) => `Certificate ${number}`,
    noCertificates: "There is no certificate on the card.",
    issuedBy: "Issued by",
    serial: "Serial number",
    usage: "Made for",
    validity: "Valid",
    range: (from: string, to: string) => `${from} to ${to}`,
    valid: "Valid now",
    expiresSoon: "Expires soon",
    expired: "Expired",
    notYet: "Not yet valid",
    renew: "Have a new certificate issued at a registration centre before it expires.",
    expiredAdvice: "Sites will refuse it. Have a new certificate issued at a registration centre.",
    forgotten: "Latchkey forgets this as soon as you take the card out or close the window.",
  },

  lost: {
    title: "You lost your card",
    calm: "Without the PIN nobody can sign in with it: after three mistakes it blocks itself. Do this all the same, soon:",
    steps: [
      ["Report the loss", "Tell the authority that issued the card. It revokes the certificate, and from then on sites refuse the card."],
      ["If it was stolen", "Tell the police too. An ID card is an identity document."],
      ["If somebody may know the PIN", "Report the loss at once, by telephone if you can: until it is revoked, the card and the PIN together are you."],
      ["Have a new card issued", "It comes with a new PIN and a new PUK. Your cabinet on the portal and what is in it stay yours."],
    ] as Step[],
    found: "If you find the card before you reported it, change its PIN.",
  },

  request: {
    wants: "asks you to sign in",
    linkAsks: "A link wants you to sign in at",
    saysItIs: (name: string) => `It says it is “${name}”.`,
    saysItIsNote: "Anybody can give any name. Trust the address above.",
    shortCode: "Request number",
    shortCodeHow: "The page you came from must show the same number. If it does not, choose “Not now”.",
    nothingSent: "Nothing has been sent there yet. Do you want to go on?",
    contact: "Contact this site",
    gets: "If you agree, it receives",
    getsName: "Your name",
    getsNameMore: "family name, given name, patronymic",
    getsNumber: "Your personal number",
    getsNumberMore: "the number in your documents",
    getsCertificate: "Your certificate",
    getsCertificateMore: "the name and number stand in it, and what else its issuer wrote there",
    getsSignature: "Your card’s signature",
    getsSignatureMore: "for this site and this one sign-in only",
    pinStays: "Your PIN stays between you and the card.",
    agree: "Agree and sign in",
    notNow: "Not now",
    refuse: "Refuse, and do not ask again today",
    fetching: "Asking the site what it wants…",
    inLine: "Waiting for its turn…",
    connectReader: "Connect your card reader",
    connectReaderHow: "Plug it into the computer. The sign-in goes on by itself.",
    insertCard: "Insert your ID card",
    insertCardHow: "Chip first, with the chip facing up. Leave it in until the end.",
    chooseReader: "Which card?",
    chooseReaderHow: "There are cards in several readers. Choose the one to sign in with.",
    readingCard: "Reading the card…",
    readingCardHow: "Leave it in the reader.",
    signing: "The card is signing…",
    signingHow: "Leave it in the reader for a moment more.",
    sending: "Sending the signature to the site…",
    done: "Done",
    doneHow: (host: string) => `${host} has your sign-in and checks it now. Go back to your browser. You can take the card out.`,
    doneHowLink: (host: string) => `${host} accepted your sign-in. Your browser opens the page. You can take the card out.`,
    cancel: "Cancel",
    steps: "Steps of this sign-in",
    stepAgree: "Agree",
    stepCard: "Card",
    stepPin: "PIN",
    stepDone: "Done",
    signInAt: (host: string) => `Sign-in at ${host}`,
    others: "Also waiting",
    othersHow: "They come after this one.",
    endOther: (host: string) => `End the request of ${host}`,
    end: "End",
  },

  agent: {
    pin: "Enter your PIN",
    "new-pin": "Choose a new PIN",
    can: "Enter the CAN",
    puk: "Enter the PUK",
    "last-try": "One try is left",
    lookThere: "Look at the small Latchkey window. It asks there.",
    pinWhat: "Six digits that only you know.",
    "new-pinWhat": "Six digits, twice. Take ones that nobody guesses.",
    canWhat: "The six digits printed on the front of the card.",
    pukWhat: "The ten digits in the letter that came with the card.",
    "last-tryWhat": "A mistake now blocks the PIN, and you will need the PUK. The small window asks whether to go on.",
    triesLeft: (left: number) => `${tries(left)} left`,
    triesOf: (left: number) => (left === 1 ? "The next mistake blocks it." : "Take your time."),
    neverHere: "Never type a PIN anywhere else, this window included.",
  },

  check: {
    title: "Check-up",
    intro: "Latchkey looks at everything that a sign-in needs, from the card service to the site. No PIN is asked for, and nothing about you is sent.",
    begin: "Begin the check-up",
    again: "Check again",
    running: "Checking…",
    allGood: "Everything is as it should be",
    someBad: (count: number) => `${plural(count, "thing keeps", "things keep")} you from signing in`,
    someWarnings: "Signing in works, with remarks",
    good: "In order",
    warning: "Remark",
    bad: "Not in order",
    notChecked: "Not checked",
    cure: "What to do:",
    report: "Report for whoever helps you",
    reportHow: "Without your name, your number or any secret. Read it first if you like.",
    showReport: "Read the report",
    copy: "Copy the report",
    copied: "Copied. Paste it into a message.",
  },

  guest: {
    title: "Guest mode",
    intro: "For a public computer: a site opens in a fresh private browser window. When the guest takes the card out, the session ends and everything is deleted.",
    choose: "Which site?",
    none: "No site is set up for guests on this computer. The administrator does that.",
    opening: "Opening the browser…",
    open: "A guest is signed in",
    openHow: "Take the card out when you are done. The session then ends and nothing of you stays on this computer.",
    openAt: (host: string) => `at ${host}`,
    end: "End now and delete everything",
    clearing: "Deleting what was left…",
    clearingHow: "Please wait before the next person begins.",
  },

  settings: {
    title: "Settings",
    fixed: "Set by your administrator",
    fixedNote: "Your administrator has set this for this computer.",
    on: "On",
    off: "Off",
    language: "Language",
    languageSystem: "Same as the computer",
    theme: "Appearance",
    themeSystem: "Same as the computer",
    themeLight: "Light",
    themeDark: "Dark",
    themeContrast: "High contrast",
    starting: "Starting",
    autostart: "Start with the computer",
    autostartHow: "So that sites find Latchkey when you want to sign in.",
    tray: "Show in the tray",
    trayHow: "A small key beside the clock, to open this window.",
    pinPad: "PIN with the mouse",
    pinPadHow: "The small window then also shows digits to click or touch. The keyboard works all the same.",
    sites: "Sites",
    sitesHow: "Sites that Latchkey remembers. Forgetting a site means that it has to ask you again from the beginning.",
    sitesNone: "No site is remembered.",
    siteCount: (count: number) => plural(count, "site", "sites"),
    siteAllowed: "You signed in there",
    siteRefused: "You refused it today",
    siteAllowedByAdministrator: "Allowed by your administrator",
    siteForbiddenByAdministrator: "Forbidden by your administrator",
    since: (date: string) => `since ${date}`,
    forget: "Forget",
    forgetSite: (host: string) => `Forget ${host}`,
    proxy: "Proxy",
    proxyHow: "How Latchkey reaches sites when you come by a link. Most people leave this as it is.",
    proxySystem: "Same as the computer",
    proxyNone: "No proxy",
    proxyAddress: (address: string) => `Through ${address}`,
    proxyFile: (file: string) => `Another proxy’s address is written into the file ${file}.`,
    history: "History",
    historyOn: "Remember my sign-ins",
    historyHow: "Where and when you signed in, encrypted, on this computer only.",
    historyNone: "Nothing is remembered.",
    historyDelete: "Delete the history",
    historySignedIn: "signed in",
    historyRefused: "refused",
    historyFailed: "did not succeed",
  },

  help: {
    title: "Help",
    firstSteps: "First steps",
    noReader: "I have no reader",
    lost: "I lost my card",
    guest: "Guest mode on a public computer",
    about: "About Latchkey",
  },

  firstSteps: {
    title: "First steps",
    steps: [
      ["Have three things at hand", "Your ID card, a card reader, and the PIN from the letter that came with the card."],
      ["Connect the reader and insert the card", "Chip first, with the chip facing up. “My card” then shows it and how many tries the PIN has."],
      ["Choose “ID card” on a site", "Latchkey comes to the front by itself and shows which site asks, and what it would receive."],
      ["Agree, and enter the PIN in the small window", "Then go back to the browser. You are signed in."],
    ] as Step[],
    permission: "Your browser may ask whether the site may reach programs on this computer. Say yes: that is how the site finds Latchkey.",
    goCard: "Go to my card",
  },

  noReader: {
    title: "You have no reader",
    intro: "A card reader is a small device with a slot for the card. Latchkey works with any that follows the CCID standard; nearly all do.",
    steps: [
      ["Is one built in?", "Some laptops and keyboards have a slot for cards. Try yours."],
      ["Buy or borrow one", "Ask for a “contact smart card reader, USB, CCID”. No driver is needed."],
      ["Go to a service centre", "There are public computers with readers, and people who help."],
    ] as Step[],
  },

  about: {
    title: "About Latchkey",
    what: "Latchkey signs you in with your ID card. Your PIN goes from you to the card and nowhere else.",
    version: (version: string) => `Version ${version}`,
    free: "Latchkey is free software under the Apache License 2.0.",
    others: "It is built from the work of many others. Their names and licences are installed with it, in the folder",
    noData: "It collects nothing about you and has nobody to send it to.",
  },
};

/// The same keys and parameters, with other words.
type Widened<T> = {
  readonly [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...parameters: infer P) => string
      ? (...parameters: P) => string
      : T[K] extends Months
        ? Months
        : T[K] extends Step[]
          ? readonly Step[]
          : Widened<T[K]>;
};

export type Texts = Widened<typeof en>;
