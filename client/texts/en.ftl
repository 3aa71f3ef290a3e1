### What the command line says in English. The three files have the same keys and variables.

## Help

help-about = Sign in to a portal with your ID card.
help-long-about =
    Signs you in to a portal with your ID card in a smart card reader, shows what is on the card, and manages its PIN.
    
    A PIN, CAN or PUK is asked for at the terminal and never taken as an argument or from a variable.
help-usage = Usage:
help-usage-options = [OPTIONS]
help-usage-command = <COMMAND>
help-commands = Commands
help-arguments = Arguments
help-options = Options
help-global-options = Options of every command
help-help = Show this help
help-version = Show the version
help-lang = Language of the texts: be, ru or en. Without it, the system's
help-verbose = Log what happens to standard error; say it twice for more. Secrets are never logged
help-readers = List the readers and whether a card is in them
help-watch = Go on and report readers and cards that come and go, until interrupted
help-card = Show the card: its model and the state of its PIN, without a password
help-card-pin = Ask for the PIN and show the certificates too
help-probe = Examine a card of any kind with its CAN alone, and write what it answers to a new file: status words, tags and lengths, nobody's data. No PIN is asked for and nothing on the card changes
help-probe-file = The report to write
help-renew = Have a terminal put a new key for terminals and its certificate on the card. The old key will be gone. If it is interrupted, repeat it: it goes on where it stopped
help-renew-url = Address of the terminal, such as https://terminal.example
help-sign-in = Sign in to a portal
help-sign-in-url = The portal's address, such as https://portal.example
help-ca-file = Trust the certificate authorities in this PEM file too, for this sign-in
help-yes-to-host = Agree in advance to contact the portal
help-yes = Agree in advance to contact the portal and to hand over what it asks for. The PIN is asked for all the same
help-openapi = Write the description of the service for pages (OpenAPI)
help-serve = Let portals' pages in this computer's browsers ask you to sign in, and be asked at this terminal, until interrupted
help-sign = Sign documents with the card
help-sign-files = The documents: at most 255 files
help-sign-attached = Put document and signature into one file, NAME.p7m
help-sign-detached = Write the signature beside the document, NAME.p7s; without this or --attached that is done
help-sign-folder = Folder for the signatures; without it, each goes beside its document
help-verify = Tell whether the signatures of a document count
help-verify-file = The signed file, or the signature beside a document
help-verify-content = The document, if the signature is beside it; without this, the file of the same name without .p7s
help-verify-trust = Certificate of an authority, PEM or DER: trusted if it issued itself, otherwise a step on the way; may be repeated
help-verify-crl = Revocation list of such an authority, PEM or DER; may be repeated
help-verify-save = Save the document inside the signed file here, if every signature counts
help-pin = Manage the PIN
help-pin-status = Show the state of the PIN, without a password
help-pin-change = Change the PIN
help-pin-unblock = Give a blocked PIN its tries back, with the PUK
help-new-pin = Set a new PIN as well
help-pin-activate = Put the PIN into use, with the PUK
help-pin-deactivate = Put the PIN out of use
help-with-puk = Ask for the PUK and not for the PIN
help-reader = Use the card in this reader. Without it there must be exactly one card
help-wait = How many seconds to wait for a reader and a card if there is none; 0 for not at all. Without it, 60 at a terminal, and 0 with --pin-fd or --json
help-record = Write what is said to the card to a new file, for a bug report: PINs, hashes, signatures and the contents of files are blanked
help-json = Write the result to standard output as JSON
help-pin-fd =
    Read secrets from this file descriptor, one a line, in the order in which they are needed: the CAN (only before the last try), the PIN or PUK, a new PIN (once)
help-allow-last-try = With --pin-fd: allow the last try to be spent
help-man = Write the manual page
help-man-program = Of which program: latchkey, latchkey-agent or latchkey-desktop. If not given, latchkey
man-name = Name
man-synopsis = Synopsis
man-description = Description
man-see-also = See also
man-desktop = The window of Latchkey.
man-desktop-long =
    Answers portals whose pages ask for a sign-in with an ID card, shows in a window who asks and what is handed over, and lets its user look after the card and its PIN. It starts without a window when it is started with the session, and shows one when it is needed. It runs once for each user; started again, it brings the window to the front.

    PIN, CAN and PUK are asked for by latchkey-agent in a window of its own.
man-desktop-background = Start without a window, as the session does
man-desktop-managed = The administrator's settings are in this file, not in /etc/latchkey/managed.toml
man-desktop-quit = End the Latchkey that runs
man-desktop-link = A sign-in link that begins with latchkey:, as the browser hands it over
man-agent = The part of Latchkey that holds cards and secrets.
man-agent-long =
    Talks to the card in the reader and asks for PIN, CAN and PUK in a window of its own, so that no other program and no web page sees them. latchkey-desktop starts it and talks to it through a pipe; it is of no use by itself.
help-completions = Write a completion script for a shell
help-shell = The shell
help-exit-codes =
    Exit codes:
      0  done
      1  internal error
      2  wrong usage
      3  no smart card service or no reader
      4  no card, or it was removed
      5  an unsuitable or faulty card
      6  PIN, CAN or PUK: wrong, blocked or out of use
      7  cancelled by you
      8  the portal could not be reached or understood
      9  the portal refused the sign-in
      10  a document was not signed, or a signature does not count

## Choosing words

model-stb-34-101-79 = ID card of the Republic of Belarus (STB 34.101.79)
model-kta = ID card of the Republic of Belarus (deployed card; not publicly specified)
pin-usable =
    { $tries ->
        [one] in use, { $tries } try left
       *[other] in use, { $tries } tries left
    }
pin-suspended = suspended: 1 try left, and it needs the CAN
pin-blocked = blocked: unblock it with the PUK
pin-deactivated = out of use: activate it with the PUK
purpose-sign-in = to sign in
purpose-sign-documents = to sign documents
purpose-read-certificates = to show the certificates
purpose-change-pin = to change the PIN
purpose-unblock-pin = to unblock the PIN
purpose-activate-pin = to put the PIN into use
purpose-deactivate-pin = to put the PIN out of use
purpose-probe = to examine the card; the card counts no wrong CAN
yes-words = y yes
no-words = n no

## Steps

step-reader = Reader: { $reader }
step-card = Card: { $model }
step-pin = PIN: { $status }
step-channel = The card accepted the password; the connection to it is encrypted
step-examining = Examining the card: this can take a minute
step-certificate = The certificate was read
step-reading-documents = The documents are read
step-signing = The card is signing
step-card-done = The card is finished; its session was closed
step-fetched = The portal sent its challenge
step-sending = The signature is sent to the portal
wait-reader = Connect the card reader to the computer. To cancel, press Ctrl+C.
wait-card = Insert the card into the reader, chip first. To cancel, press Ctrl+C.

## Documents

document-signed = { $file }: signed, see { $output }
document-not-signed = { $file }: not signed
verified-beside = The signature is beside the document { $file }
verified-inside = The document is inside the signed file
verified-nobody = nobody that the file tells of
verified-signer = Signed by
verified-verdict = Verdict
verified-valid = the signature counts
verified-invalid = the signature does not count
verified-time = Signed, as the signer says
verified-form = Form
verified-form-cms = CMS; the signer did not sign which certificate and time were meant
verified-algorithm = Algorithm
verified-why = Why
verified-cure = What to do
verified-code = Code of the reason

## Questions

ask-host =
    You are about to sign in at
        { $origin }
    Nothing has been sent there yet. Contact this portal?
ask-hand-over =
    { $origin } asks you to sign in. It says it is “{ $name }”.
    If you agree, it will receive:
      – your certificate: family name, given name, patronymic, personal number, and what else the issuer wrote into it;
      – your card's signature, which is valid for this portal and this sign-in only.
    Hand this over?
ask-yes-no = [y/N]{ " " }
agreed-before = Yes, as agreed in advance.
asker-portal = { $origin } asks you { $purpose }.
asker-holder = You asked { $purpose }; nothing leaves this computer.
ask-documents =
    { $count ->
        [one] The card will make { $count } signature:
       *[other] The card will make { $count } signatures, one for each document:
    }
ask-pin =
    { $tries ->
        [one] PIN (6 digits), { $tries } try left:
       *[other] PIN (6 digits), { $tries } tries left:
    }
ask-pin1 =
    { $tries ->
        [one] PIN1 (6 digits), { $tries } try left:
       *[other] PIN1 (6 digits), { $tries } tries left:
    }
ask-pin2 = PIN2, the second PIN, which the card wants before it signs (7 digits):
ask-new-pin = New PIN (6 digits):
ask-new-pin-again = The new PIN once more:
ask-can = CAN, the 6 digits printed on the card:
ask-puk = PUK (10 digits):
ask-last-try =
    Only one try is left. If you enter a wrong PIN now, the card blocks it, and you will need the PUK.
    The card also wants its CAN first. Use the last try?
ask-again-digits = Digits only, exactly { $count }. Again:
ask-again-different = The two entries differ. Again.

## Results

readers-none = There is no reader.
reader-with-card = { $reader }: card inserted
reader-without-card = { $reader }: no card
reader-appeared = { $reader }: connected
reader-vanished = { $reader }: disconnected
service-up = The smart card service is running.
service-down = The smart card service is not running.
card-reader = Reader
probe-written = The report is in { $file }. It has no data of the holder in it; read it all the same before you pass it on.
probe-opened = The CAN opened a channel: the report says which editions the card follows.
probe-not-opened = The CAN opened no channel. If it is the one on the card, the card follows none of the editions that this program knows.
card-model = Card
card-pin = PIN
card-certificate = Certificate { $number }
card-holder = Holder
card-personal-number = Personal number
card-issuer = Issued by
card-serial = Serial number
card-valid = Valid
card-valid-range = { $from } to { $until } (UTC)
card-validity-current = valid now
card-validity-expired = expired
card-validity-future = not yet valid
card-certificate-unreadable = cannot be read
pin-changed = The PIN was changed.
pin-unblocked = The PIN was unblocked.
pin-activated = The PIN is in use.
pin-put-out-of-use = The PIN is out of use.
accepted = { $origin } accepted your sign-in.
accepted-holder = Signed in as
accepted-assurance = Assurance
accepted-session = Until
accepted-checks = The portal checked
assurance-low = low
assurance-substantial = substantial
assurance-high = high
failed = Error: { $what }
failed-to-do = What to do: { $todo }
failed-code = Code: { $code }

## What went wrong, and what to do: one message a code

failure-no-service = The smart card service (pcscd) is not running.
    .todo = Start it: “systemctl start pcscd.socket”. If it is missing, install the package pcscd.
    .window = Restart the computer. If it happens again, install the package pcscd, or ask whoever looks after this computer.
failure-service-fault = The smart card service refused to work: { $reason }.
    .todo = Restart it: “systemctl restart pcscd”. If that does not help, restart the computer.
    .window = Restart the computer and repeat.
failure-no-reader = No card reader is connected.
    .todo = Connect the reader, wait a few seconds and try again. If it is connected, try another USB socket.
failure-unknown-reader = There is no reader called “{ $reader }”.
    .todo = Choose one that is there: { $readers }.
failure-reader-gone = The reader was disconnected.
    .todo = Connect it again and repeat.
failure-card-transmission = The reader could not talk to the card.
    .todo = Take the card out, wipe its contacts with a dry cloth, insert it again and repeat.
failure-no-card = There is no card in the reader.
    .todo = Insert the card with the chip first and repeat.
failure-several-cards = There are cards in several readers: { $readers }.
    .todo = Name the reader with --reader, or leave only one card inserted.
    .window = Choose the reader that holds your card, or leave only one card inserted.
failure-card-removed = The card was taken out.
    .todo = Insert the card, leave it in the reader until the end, and repeat.
failure-card-reset = Another program keeps resetting the card.
    .todo = Close other programs that use the card and repeat.
failure-card-silent = The card did not answer in time.
    .todo = Take the card out, insert it again and repeat.
failure-card-mute = The card does not start.
    .todo = Check that it is inserted the right way round, wipe its contacts with a dry cloth and repeat.
failure-card-busy = Another program is using the card.
    .todo = Wait until that program has finished, or close it, and repeat.
failure-card-unsupported = The reader does not support this card.
    .todo = Use another reader.
failure-payment-card = This is a bank card.
    .todo = Insert your ID card.
failure-unknown-card = This card is not one that the program knows.
    .todo = Insert your ID card. If this is your ID card, report the card's model to the program's makers.
failure-card-protocol = The encrypted connection to the card failed: an answer was malformed or not genuine.
    .todo = Insert the card again and repeat. If it happens again, do not use this reader.
failure-card-refused = The card refused a command (status { $status }).
    .todo = Insert the card again and repeat. If it happens again, have the card checked where it was issued.
failure-card-malformed-response = The card gave an answer that cannot be understood.
    .todo = Insert the card again and repeat. If it happens again, have the card checked where it was issued.
failure-certificate-missing = There is no certificate on the card to sign in with.
    .todo = Have a certificate issued for the card at a registration centre.
failure-certificate-faulty = The certificate on the card is faulty.
    .todo = Have a new certificate issued at a registration centre.
failure-card-signature-faulty = The card's signature does not match its certificate, so it was not sent.
    .todo = Repeat. If it happens again, have the card checked where it was issued.
failure-certificate-not-for-documents = The certificate on the card does not allow signing documents. Nothing was signed.
    .todo = Documents need a certificate made for that; a registration office issues it.
failure-certificate-expired = The certificate on the card has expired. Nothing was signed.
    .todo = Get a new certificate where the card was issued. If this computer's date is wrong, correct it.
failure-certificate-not-yet-valid = The certificate on the card is not valid yet. Nothing was signed.
    .todo = Check this computer's date. If it is right, try again later.
failure-no-documents = There is nothing to sign.
    .todo = Choose a document at least.
failure-too-many-documents = At most 255 documents can be signed at once; a page may send at most 8 MB.
    .todo = Sign the documents in parts.
failure-document-unreadable = The document could not be read: { $reason }
    .todo = Check that there is such a file and that you may read it.
failure-document-not-a-file = This is not a file.
    .todo = Choose a file: folders and devices are not signed.
failure-file-unreadable = { $file } could not be read: { $reason }
    .todo = Check that there is such a file and that you may read it.
failure-not-a-signed-document = { $file } is not a signed document, or it was damaged.
    .todo = Get the file again. Encrypted files and time stamps cannot be verified here.
failure-content-needed = { $file } holds a signature only. The document that it signs is elsewhere.
    .todo = Name the document with --content.
failure-trust-unusable = { $file } holds no certificate of an authority: { $reason }
    .todo = Name a file with certificates of authorities, PEM or DER.
failure-revocation-list-unusable = { $file } holds no revocation list of an authority that was named: { $reason }
    .todo = Name the authority of that list with --trust too, or get the list again.
failure-output-exists = { $file } is there already and is not replaced.
    .todo = Choose another folder, or move that file.
failure-output-unwritable = { $file } could not be written: { $reason }
    .todo = Check the free space and whether you may write there.
failure-document-changed = { $file } was changed while it was being signed. No signature was written.
    .todo = Sign it again when nobody is writing to it.
failure-documents-not-signed =
    { $count ->
        [one] { $count } document was not signed.
       *[other] { $count } documents were not signed.
    }
    .todo = See above why, for each document.
failure-signature-not-valid =
    { $count ->
        [one] { $count } signature does not count.
       *[other] { $count } signatures do not count.
    }
    .todo = See above why, for each signature.
failure-signer-certificate-missing = The signer's certificate is not in the file.
    .todo = Ask the signer for a file with the certificate.
failure-signer-algorithm-unsupported = The signature was made with an algorithm that is not known here.
    .todo = Ask the signer to use another one.
failure-content-altered = The document is not the one that was signed.
    .todo = Get the document again from whoever signed it.
failure-signature-wrong = The signature was altered or made with another key.
    .todo = Get the file again from whoever signed it.
failure-signer-certificate-differs = The signer meant another certificate than the one in the file.
    .todo = Do not rely on this file. Ask the signer.
failure-signer-is-authority = The signer's certificate is an authority's own, not a person's.
    .todo = Do not rely on this file. Ask the signer.
failure-signer-certificate-not-yet-valid = The signer's certificate is not valid yet.
    .todo = Check this computer's date.
failure-signer-certificate-expired = The signer's certificate has expired, and nothing proves that it was signed before.
    .todo = Ask the signer to sign again.
failure-signer-key-usage = The signer's certificate is not for signing documents.
    .todo = Ask the signer to sign with a certificate that is.
failure-signer-other-purposes = The signer's certificate is limited to other purposes.
    .todo = Ask the signer to sign with a certificate for documents.
failure-signer-issuer-unknown = The document is unchanged since it was signed, but nobody who is trusted vouches for the signer.
    .todo = If you trust the authority that issued the signer's certificate, name its certificate with --trust.
failure-signer-path-signature-wrong = A certificate between the signer and the trusted authority is forged or damaged.
    .todo = Do not rely on this file. Ask the signer.
failure-signer-issuer-not-authority = The signer's certificate was issued by somebody who may not issue any.
    .todo = Do not rely on this file. Ask the signer.
failure-signer-issuer-not-valid = The certificate of the authority that issued the signer's is not valid now.
    .todo = Check this computer's date, and get the authority's present certificate.
failure-signer-path-too-long = More authorities stand between the signer and the trusted one than it allows.
    .todo = Do not rely on this file. Ask the signer.
failure-signer-certificate-revoked = The signer's certificate was revoked.
    .todo = Do not rely on this file. Ask the signer.
failure-signer-revocation-unknown = Nothing says whether the signer's certificate was revoked.
    .todo = Get the revocation lists of the authorities and name them with --crl.
failure-signer-revocation-stale = The revocation list is out of date.
    .todo = Get the present list and name it with --crl.
failure-signer-revocation-from-the-future = The revocation list is of a time yet to come.
    .todo = Check this computer's date.
failure-signing-time-impossible = The signer claims a time that cannot be true.
    .todo = Check this computer's date. If it is right, ask the signer to sign again.
failure-no-signed-attributes = The signature is right, but of a form that could have been made for something else.
    .todo = Ask the signer for a signature with signed attributes (CAdES).
failure-pin-wrong =
    { $tries ->
        [0] The PIN is wrong, and no try is left: the PIN is blocked.
        [one] The PIN is wrong. { $tries } try is left.
       *[other] The PIN is wrong. { $tries } tries are left.
    }
    .todo =
    { $tries ->
        [0] Unblock the PIN with the PUK: “latchkey pin unblock”.
        [one] Make sure that you know the PIN before you try again: another mistake blocks it. You will also need the CAN printed on the card.
       *[other] Repeat and enter the PIN carefully.
    }
    .window =
    { $tries ->
        [0] Unblock the PIN with the PUK from the letter that came with the card.
        [one] Make sure that you know the PIN before you try again: another mistake blocks it. You will also need the CAN printed on the card.
       *[other] Repeat and enter the PIN carefully.
    }
failure-pin-blocked = The PIN is blocked.
    .todo = Unblock it with the PUK: “latchkey pin unblock”.
    .window = Unblock it with the PUK from the letter that came with the card.
failure-pin-deactivated = The PIN is out of use.
    .todo = Put it into use with the PUK: “latchkey pin activate”.
    .window = Put it into use with the PUK from the letter that came with the card.
failure-pin-status-changed = While you were asked for the PIN, another program used up tries. Your PIN was not sent to the card.
    .todo = Close other programs that use the card and repeat.
failure-can-wrong = The CAN is wrong. The PIN was not sent to the card and no try was used.
    .todo = Repeat and enter the 6 digits printed on the card.
failure-puk-wrong =
    { $tries ->
        [none] The PUK is wrong.
        [one] The PUK is wrong. { $tries } try is left.
       *[other] The PUK is wrong. { $tries } tries are left.
    }
    .todo = Find the letter you received with the card and enter the 10 digits of the PUK carefully.
failure-pin-dead = The PUK was wrong too often. The PIN can never be used again.
    .todo = Have a new card issued.
failure-pin2-wrong =
    { $tries ->
        [one] PIN2 is wrong. { $tries } try is left. Nothing was signed.
       *[other] PIN2 is wrong. { $tries } tries are left. Nothing was signed.
    }
    .todo = Enter PIN2 with care: it is not PIN1, and after the last try it is blocked.
failure-pin2-blocked = PIN2 is blocked. Nothing was signed.
    .todo = Have PIN2 unblocked where the card was issued; this program cannot do it yet.
failure-cancelled = You cancelled. Nothing was handed over.
    .todo = If that was a mistake, start again.
failure-holder-silent = Nothing was entered for two minutes, so the question was closed. Nothing was handed over.
    .todo = Start again when you have the card and the PIN at hand.
failure-hand-over-interrupted = You stopped the program while the signature was on its way. The portal may have received it.
    .todo = If you still want to sign in, start again. If not, you need do nothing: the signature is valid for this one sign-in only.
failure-no-prompt = There is no terminal at which you could be asked.
    .todo = Run the program in a terminal, or hand secrets over with --pin-fd and agree with --yes.
    .window = The window for the PIN could not be shown. Start the program again.
failure-secret-malformed =
    { $kind ->
        [can] What was handed over as the CAN is not 6 digits.
        [puk] What was handed over as the PUK is not 10 digits.
        [pin2] What was handed over as PIN2 is not 7 digits.
       *[pin] What was handed over as the PIN is not 6 digits.
    }
    .todo = Check what the program behind --pin-fd writes: one secret a line, in the order in which they are needed. Nothing was sent to the card.
    .window = Nothing was sent to the card. Repeat and enter exactly as many digits as are asked for.
failure-last-try-not-allowed = Only one try is left, and it was not allowed to spend it.
    .todo = Enter the PIN at the terminal, or allow the last try with --allow-last-try.
    .window = If you are sure of the PIN, repeat and allow the last try. If not, find the letter that came with the card first.
failure-process-not-protected = The operating system refused to protect the memory of this program: { $reason }. Therefore nothing secret is asked for.
    .todo = Run the program outside of the container or sandbox that forbids this.
failure-agent-stopped = The program failed inside.
    .todo = Repeat with --verbose and send its output to the program's makers. There are no secrets in it.
    .window = Repeat. If it happens again, run the diagnosis and send its report to the program's makers. It holds no personal data.
failure-agent-missing = The part of the program that asks for the PIN cannot be started: { $reason }.
    .todo = Install the program again.

failure-portal-address-invalid = “{ $address }” is not the address of a portal.
    .todo = Give an address that begins with https:// and has nothing after the host and port, such as https://portal.example.
failure-ca-file-unreadable = The file of certificate authorities cannot be read: { $reason }.
    .todo = Give --ca-file a PEM file with one or more certificates.
    .window = Tell the administrator of this computer: the file is named in the managed settings.
failure-portal-unreachable = The portal cannot be reached.
    .todo = Check the address and the network connection, and repeat.
failure-portal-untrusted = It is not sure that this is the portal: its TLS certificate is not trusted.
    .todo = Check the address. Do not enter your PIN on this site until its operator has explained it.
failure-portal-silent = The portal did not answer in time.
    .todo = Repeat later.
failure-portal-redirects = The portal points to another address, which is not followed.
    .todo = Find out the portal's right address and give that one.
failure-portal-answer-malformed = The portal's answer cannot be understood.
    .todo = Check that the address is that of a portal which accepts ID cards. If it is, tell its operator.
failure-portal-failed = The portal failed (HTTP status { $status }).
    .todo = Repeat later. If it happens again, tell the portal's operator.
failure-portal-refused = The portal refused the sign-in; its code is “{ $code }”.
    .todo = Repeat. If it happens again, tell the portal's operator this code.

failure-usage-unknown = Unknown argument: { $argument }.
    .todo = See “latchkey --help”.
failure-usage-missing = Something is missing: { $argument }.
    .todo = See “latchkey --help”.
failure-usage-value = “{ $value }” does not fit { $argument }.
    .todo = See “latchkey --help”.
failure-usage-wrong = The command line cannot be understood.
    .todo = See “latchkey --help”.
failure-output-failed = The result could not be written: { $reason }.
    .todo = Check where standard output goes.

failure-travel-document = This is a passport or another travel document.
    .todo = Insert your ID card.
failure-piv-card = This is a PIV card, which cannot be used here yet.
    .todo = Insert your ID card.
failure-openpgp-card = This is an OpenPGP card, which cannot be used here.
    .todo = Insert your ID card.
failure-card-closed-channel = The card broke off the encrypted connection.
    .todo = Insert the card again and repeat. If it happens again, do not use this reader.
failure-key-missing = There is no key on the card to sign with.
    .todo = Have a key and a certificate made for the card at a registration centre.
failure-key-inactive = The card's key is out of use.
    .todo = Have it put into use at a registration centre.
failure-certificate-pending = A certificate was requested for this card, but it is not on the card yet.
    .todo = Have it written to the card where it was requested.
failure-agent-fault = The program asked the card for something that cannot be asked for.
    .todo = Repeat with --verbose and send its output to the program's makers. There are no secrets in it.
    .window = Run the diagnosis and send its report to the program's makers. It holds no personal data.


## What a portal checks

check-challenge = its own request
check-validity = the certificate's dates
check-key-usage = what the key may be used for
check-path = who issued the certificate
check-signature = the card's signature
check-revocation = that it was not revoked
check-policy = how sure the certificate makes
check-identity = whose certificate it is

## Links

help-open = Sign in as a link says. A portal's page gives it when the browser cannot reach this program
help-open-link = The link, which begins with latchkey:sign-in?
ask-own-link =
    The page that you came from shows the code { $code } if this is your own request. If it shows another, or you opened no such page, say no.
opened-in-browser = { $origin } has the signature. The sign-in ends in the browser in which you began it: a page of the portal opens there.
failure-link-malformed = This is not a link to sign in with.
    .todo = Go back to the portal's page, ask for a new link there and open it whole.
failure-browser-not-opened = The signature was sent, but the browser in which the sign-in ends could not be opened: { $reason }.
    .todo = Within a minute, open this address in the browser in which you began: { $address }
    .window = Begin again in your browser. If it happens again, set a default browser in the system's settings.

## Requests of pages and links

failure-holder-refused = You refused. Nothing was handed over, and this site will not be asked about again for a day.
    .todo = If that was a mistake, wait until tomorrow.
    .window = If that was a mistake, take the site off the list in the settings and ask again on its page.
failure-request-ended = You took this request off the list. Nothing was handed over.
    .todo = If you want to sign in after all, ask again on the site's page.
failure-refused-today = You refused this site less than a day ago, so you were not asked again.
    .todo = If you want to sign in there after all, wait until a day has passed.
    .window = If you want to sign in there after all, take the site off the list in the settings and ask again on its page.
failure-site-forbidden = The administrator of this computer does not allow sign-ins at this site.
    .todo = Ask the administrator.
failure-request-taken-back = The page took its request back, or was closed. Nothing was handed over.
    .todo = If you still want to sign in, open the page and ask again.
failure-too-many-requests = Too many requests are open at the same time.
    .todo = Answer or end the ones that are open, then ask again on the site's page.
failure-program-stopping = The program was ended before the sign-in was finished. Nothing was handed over.
    .todo = Start the program and ask again on the site's page.

## Guests

help-guest = Open a portal for a guest of a public computer: in a browser of its own that is closed, with everything it wrote, when the card is taken out
help-guest-url = The portal's address. Without it, the first one that the administrator named for guests
guest-open = { $origin } is open for a guest. To finish, take the card out, close the browser, or press Ctrl+C.
guest-gone = The guest has gone, and everything he left is deleted.
failure-guest-busy = Somebody else is using this computer as a guest.
    .todo = End that session first.
failure-guest-no-browser = There is no browser in which a guest's traces could be deleted.
    .todo = Install Chromium or Firefox from the system's packages; Snap and Flatpak browsers cannot be used for this.
failure-guest-browser-not-started = The browser did not start: { $reason }.
    .todo = Repeat. If it happens again, install the browser anew.
failure-guest-no-profile = The guest's folder { $file } cannot be made: { $reason }.
    .todo = Check that the disk is not full and that the folder belongs to this user.
failure-guest-not-cleared = Something of the last guest could not be deleted. { $file }: { $reason }.
    .todo = Do not let anybody else use this computer before it is restarted; then start the program again, which deletes it.

## Diagnosis

help-doctor = Look for the cause when something does not work, step by step from the card service to the portal. No try is spent, and no PIN is asked for without --pin
help-doctor-portal = Look at this portal too
help-doctor-report = Write only the report for those who help. It holds no personal data
help-doctor-pin = Look at the certificate on the card too, which needs the PIN; whether it was revoked, with --trust and --crl
doctor-line = { $verdict } { $title }: { $finding }
doctor-cure = → { $cure }
doctor-good = [ good ]
doctor-warning = [ note ]
doctor-bad = [ BAD  ]
doctor-not-checked = [  –   ]
doctor-title-pcsc-service = Card service
doctor-title-reader = Card reader
doctor-title-card = Card
doctor-title-card-model = Kind of card
doctor-title-pin = PIN
doctor-title-certificate = Certificate on the card
doctor-title-revocation = Certificate not revoked
doctor-title-agent = Protection of your PIN
doctor-title-service-port = Way from portals' pages to this program
doctor-title-loopback = Connections within this computer
doctor-title-clock = Clock
doctor-title-proxy = Way to portals
doctor-title-tls = The portal's certificate
doctor-title-portal = Portal
doctor-title-status-service = Status service
doctor-title-browsers = Browsers
doctor-title-browser-permission = Permission in the browser
doctor-title-link-handler = Links of portals
doctor-title-autostart = Start with your session
doctor-because = Not checked, because this is not as it should be: { $check }.
doctor-no-answer = There was no answer in time.
doctor-no-answer-cure = Restart the computer and run the diagnosis again.
doctor-service-answers = It is running (protocol { $version }).
doctor-service-not-installed = It is not installed.
doctor-service-not-installed-cure = Install the package pcscd, or ask whoever looks after this computer.
doctor-service-not-running = It is installed, but not running.
doctor-service-not-running-cure = Restart the computer. If it happens again, have the system service pcscd.socket enabled.
doctor-service-forbidden = You are not allowed to use it.
doctor-service-forbidden-cure = Log in at this computer itself, not from afar, or ask its administrator for the right to use the card service.
doctor-service-strange = Something answers in its place: { $reason }.
doctor-service-strange-cure = Restart the computer. If it happens again, have the package pcscd installed anew.
doctor-service-of-other-version = It runs, but does not understand this program: its version is another.
doctor-service-of-other-version-cure = Install the newest updates of your system, and use this program outside of a sandbox such as Flatpak or Snap.
doctor-readers = Connected: { $readers }.
doctor-card-in = There is a card in “{ $reader }”.
doctor-several-cards = There are cards in several readers: { $readers }.
doctor-several-cards-cure = Leave only one card inserted, and run the diagnosis again.
doctor-card-known = The program knows this card.
doctor-pin-suspended-cure = Have the CAN ready, the 6 digits printed on the card. If you are not sure of the PIN, do not try.
doctor-pin-blocked = It is blocked.
doctor-pin-blocked-cure = Unblock it in “My card” with the PUK from the letter that came with the card.
doctor-pin-deactivated = It is out of use.
doctor-pin-deactivated-cure = Put it into use in “My card” with the PUK from the letter that came with the card.
doctor-agent-protected = The part that asks for the PIN works, and other programs cannot read its memory.
doctor-agent-exposed = The part that asks for the PIN works, but other programs could read its memory.
doctor-agent-exposed-cure = Do not enter your PIN. Run the program outside of the container or sandbox that forbids the protection.
doctor-port-ours = Pages reach this program at port { $port }.
doctor-port-of-nobody = Nothing listens at port { $port }: pages cannot reach this program.
doctor-port-of-nobody-cure = Start Latchkey, and leave it running while you use a portal.
doctor-port-of-program = Another program, { $program }, has port { $port }.
doctor-port-of-other = Another program has port { $port }.
doctor-port-of-other-cure = Close that program and start Latchkey again. Until then sign in by the link that the portal offers.
doctor-loopback-works = They work.
doctor-loopback-without-ipv6 = They work by IPv4, but not by IPv6.
doctor-loopback-without-ipv6-cure = Nothing needs to be done: pages use the one that works.
doctor-loopback-broken = They do not work: no page can reach this program.
doctor-loopback-broken-cure = Check the firewall: connections to 127.0.0.1 must be allowed.
doctor-clock-right = It agrees with the portal's.
doctor-clock-not-compared = It is plausible; it was not compared with a portal's.
doctor-clock-before-release = It shows { $now }, which cannot be.
doctor-clock-cure = Set the clock, or switch on its setting from the network. Certificates and requests are judged by it.
doctor-proxy-of-system = As the system's settings say.
doctor-proxy-none = Directly, without a proxy.
doctor-proxy-reached = By the proxy { $address }, which answers.
doctor-proxy-unreachable = By the proxy { $address }, which does not answer.
doctor-proxy-unreachable-cure = Correct the proxy's address in the settings, or choose the system's.
doctor-no-portal = No portal was named.
doctor-tls-trusted = This computer trusts it.
doctor-certificate-not-read = Not looked at: that needs the PIN.
doctor-certificate-valid = Valid until { $date }.
doctor-certificate-ends-soon = Valid until { $date } only.
doctor-certificate-expired = Expired on { $date }.
doctor-certificate-not-yet-valid = Valid from { $date } only.
doctor-certificate-not-yet-valid-cure = Check the date of this computer. If it is right, wait until that day.
doctor-certificate-cure = Have a new certificate issued at a registration centre.
doctor-revocation-not-looked = Not looked up: no revocation lists were given.
doctor-certificate-not-revoked = Not revoked as of { $date }.
doctor-certificate-revoked = Revoked since { $date }.
doctor-revocation-unknown = The lists given say nothing about this certificate, or are out of date.
doctor-revocation-unknown-cure = Fetch the newest revocation lists of the authority that issued it, and of those above it.
doctor-permission-not-asked = No browser has an answer yet: it will ask when the portal's page calls the program.
doctor-permission-granted = The portal's page may call the program, in: { $names }.
doctor-permission-denied = The portal's page may not call the program, in: { $names }.
doctor-permission-denied-cure = Open the page, click the sign left of its address, and allow access to apps on this device; then load the page anew. Or sign in by the link that the page offers.
doctor-portal-answers = { $origin } answers, is trusted, and takes ID cards.
doctor-status-service-not-set = Nobody is asked about your certificate: none is set for this computer. The portal looks for itself.
doctor-status-service-answers = { $origin } answers: what it says about your certificate is brought along.
doctor-status-service-silent = { $origin } does not answer.
doctor-status-service-strange = { $origin } answers, but not as a status service does.
doctor-status-service-cure = You can sign in without it. Tell the administrator of this computer: the address in its settings, or the service, is wrong.
doctor-no-browser = None was found.
doctor-no-browser-cure = Install a browser, such as Chromium or Firefox.
doctor-browsers = Found: { $names }.
doctor-browsers-confined = Found: { $names }, as Snap or Flatpak only. Signing in works with them; guest mode does not.
doctor-browsers-confined-cure = If links of portals do not open or you need guest mode, install a browser from the system's packages.
doctor-links-ours = This program opens them.
doctor-links-of-nobody = No program opens them.
doctor-links-of-other = Another program opens them: { $entry }.
doctor-links-cure = Install Latchkey's package anew. Signing in from a portal's page works all the same.
doctor-autostart-on = It is on.
doctor-autostart-off = It is off: start the program before you sign in.
doctor-autostart-missing = It is on in the settings, but the desktop does not know.
doctor-autostart-unwanted = It is off in the settings, but the desktop starts the program all the same.
doctor-autostart-cure = Switch it off and on again in the settings.
doctor-clock-apart =
    { $minutes ->
        [one] It differs from the portal's by { $minutes } minute or less.
       *[other] It differs from the portal's by { $minutes } minutes.
    }

## Settings on the command line

help-managed = Take the administrator's settings from this file and not from /etc/latchkey/managed.toml
help-settings = Show and change settings, and what is remembered about sites
help-settings-show = Show the settings
help-settings-set = Change a setting
help-settings-name = The setting: language, theme, autostart, tray, pin-pad, proxy, proxy-address or history
help-settings-value = Its value: a language (system, be, ru, en), a theme (system, light, dark, contrast), a way to portals (system, none, address), a proxy's address, or true or false
help-settings-sites = Show what is known about sites
help-settings-forget = Forget what you said about a site: it is asked about again
help-settings-origin = The site, such as https://portal.example
setting-none = not set
setting-fixed-note = { " " }(fixed by the administrator)
settings-file = settings file
site-allowed = allowed by you
site-refused-today = refused by you; not asked about again for a day
site-allowed-by-administrator = named by the administrator
site-forbidden-by-administrator = forbidden by the administrator
site-has-terminal = its terminal was let in by you
sites-none = Nothing is known about any site.

## Settings: what went wrong

failure-settings-damaged = Your settings file { $file } cannot be understood at line { $line }: { $problem }.
    .todo = What cannot be understood has no effect. Correct the line, or choose the setting anew; what stands in the file now is kept.
failure-settings-unreadable = Your settings file { $file } cannot be used: { $reason }.
    .todo = The usual settings hold until the file can be read. It must belong to you, and nobody else may write to it.
failure-settings-unwritable = { $file } cannot be written: { $reason }.
    .todo = Nothing was changed. Check that the folder belongs to you and that the disk is not full.
failure-setting-fixed = The administrator of this computer has fixed the setting “{ $name }”.
    .todo = Ask the administrator if it should be otherwise.
failure-setting-unknown = There is no setting called “{ $name }”.
    .todo = See what there is: “latchkey settings show”.
    .window = Start the program again.
failure-setting-value = “{ $name }” cannot be “{ $value }”: it { $problem }.
    .todo = Choose another value.
failure-site-unknown = Nothing is remembered about “{ $origin }”.
    .todo = See what is: “latchkey settings sites”.
    .window = There is nothing to do.
failure-managed-settings-faulty = The administrator's file { $file } has a fault at line { $line }: { $problem }.
    .todo = Tell the administrator of this computer. The file may forbid something, so nothing is done until it is mended.
failure-managed-settings-unreadable = The administrator's settings cannot be used. { $file }: { $reason }.
    .todo = Tell the administrator of this computer. They may forbid something, so nothing is done until this is mended.

## What a certificate's key may be used for

usage-signing-in = signing in
usage-signing-documents = signing documents
usage-encryption = encryption

## The window's command line

desktop-help =
    Shows the window of Latchkey, or starts it without one.
    
    Usage: latchkey-desktop [OPTIONS] [LINK]
    
    LINK is a link of a portal that begins with “latchkey:”. If the program runs already, it is told what was wanted.
    
    Options:
      --background    Start without a window: it opens when a portal asks
      --quit          End the program that runs
      --managed FILE  The administrator's settings, in place of the system's file
      --lang LANG     Language of the texts: be, ru or en
      --help          Show this help
      --version       Show the version
    
    Exit codes: 0 done, 1 internal error, 2 wrong usage
desktop-misused = “{ $argument }” cannot be understood. See “latchkey-desktop --help”.

## The local service for pages

page-not-signed = The card was not signed in with. The program on the computer has told its user why.
failure-port-taken =
    { $program ->
        [none] Pages cannot reach the program: something else listens at port { $port } of this computer.
       *[other] Pages cannot reach the program: “{ $program }” (process { $process }) listens at port { $port } of this computer.
    }
    .todo = If that is Latchkey itself, it is running already and you need do nothing. If not, end that program and start this one again.
failure-service-not-started = Pages cannot reach the program: it may not listen at port { $port } of this computer ({ $reason }).
    .todo = Ask whoever looks after this computer to allow it.
failure-host-refused = The request was addressed to another computer.
    .todo = Call the program at http://127.0.0.1 or http://[::1].
failure-caller-of-other-user = The request came from a program of another user of this computer.
    .todo = Use a browser of the user who runs the program.
failure-origin-missing = The request did not say which site's page sent it.
    .todo = Send the request from a page, in a browser.
failure-origin-refused = The request does not come from a page of an HTTPS site.
    .todo = Open the site by its https:// address.
failure-navigation-refused = The program's address was opened as if it were a page.
    .todo = Open the portal's page; it calls the program by itself.
failure-content-type-refused = The page sent data of another kind than JSON.
    .todo = Tell the portal's operator.
failure-body-too-large = The page sent too much.
    .todo = Tell the portal's operator.
failure-body-malformed = The page sent something that cannot be understood.
    .todo = Tell the portal's operator.
failure-request-timeout = The page's request did not arrive completely.
    .todo = Load the page again and repeat.
failure-not-found = The page asked for something that this program does not have.
    .todo = Install the newest version of the program, or tell the portal's operator.
failure-method-not-allowed = The page asked in a way that this program does not know.
    .todo = Install the newest version of the program, or tell the portal's operator.
failure-request-unknown = The site has no such request here, or it was long ago.
    .todo = Load the page again and repeat.
failure-request-repeated = The page used the same name for two requests.
    .todo = Load the page again and repeat.

## Serving pages at the terminal

serve-listening = Pages can reach the program at { $address }. To end it, press Ctrl+C.
serve-ended = Pages cannot reach the program any more.
serve-waiting = { $origin } asks too, and waits
serve-done = { $origin } received your signature. The page says how it goes on.
serve-done-documents = { $origin } received your card's signatures. The page says how it goes on.
serve-done-terminal = The terminal of { $origin } has finished. The page says what it received.
serve-gone = The request of { $origin } is closed.
serve-seconds-left =
    { $seconds ->
        [one] The request will be closed in { $seconds } second if you do not answer.
       *[other] The request will be closed in { $seconds } seconds if you do not answer.
    }
serve-again = Try again?
serve-which-reader = There are cards in several readers. Which one is yours?
serve-number = Its number:{ " " }
ask-hand-over-documents =
    { $origin } asks you to sign documents. A signature counts like one by your own hand.
    If you agree, it will receive your certificate, with your name and personal number, and your card's signature under
    { $count ->
        [one] this document. Sign it?
       *[other] each of these { $count } documents. Sign them?
    }
ask-says-it-is = The site says it is “{ $name }”.
ask-hand-over-unnamed =
    { $origin } asks you to sign in.
    If you agree, it will receive:
      – your certificate: family name, given name, patronymic, personal number, and what else the issuer wrote into it;
      – your card's signature, which is valid for this portal and this sign-in only.
    Hand this over?

## Newer versions

failure-update-not-configured = This computer does not ask for newer versions.
    .todo = If the program came with your system, it is updated with the system. Otherwise ask your administrator.
failure-update-unreachable = The server that tells about newer versions cannot be reached: { $reason }.
    .todo = Check the network connection and ask again later.
failure-update-malformed = The server that tells about newer versions gave an answer that cannot be understood.
    .todo = Ask again later. If it happens again, tell your administrator.
failure-update-signature-wrong = The answer about newer versions does not come from whoever publishes the program.
    .todo = Install nothing that was offered to you because of it, and tell your administrator.
failure-update-expired = The answer about newer versions has expired.
    .todo = Check the date on this computer, and ask again later. If it happens again, tell your administrator.
failure-update-older = The answer about newer versions is older than one that came before.
    .todo = Somebody may be hiding a newer version from you. Ask again from another network, or tell your administrator.
failure-update-not-remembered = The answer about newer versions could not be noted down: { $reason }.
    .todo = Make sure that there is space on the disk and that you may write to your own folders, then ask again.
help-update = Ask whether there is a newer version, where an administrator has set whom to ask
update-newer = There is a newer version: { $version }. This is { $own }.
update-newest = This is the newest version: { $own }.

## Remembered sign-ins

failure-history-no-key-store = Sign-ins cannot be remembered on this computer: the system has no place to keep their key ({ $reason }).
    .todo = Install your desktop's key store, such as GNOME Keyring or KDE Wallet, and log in to the desktop again.
failure-history-key-store-locked = Remembered sign-ins cannot be read: the system's key store is locked.
    .todo = Repeat, and unlock the key store when the system asks for its password.
failure-history-key-lost = Remembered sign-ins cannot be read any more: their key is gone from the system's key store.
    .todo = Delete them with “latchkey history --delete”. What comes after that is remembered again.
    .window = Delete them in the settings. What comes after that is remembered again.
failure-history-damaged = Remembered sign-ins cannot be read any more: their file is damaged.
    .todo = Delete them with “latchkey history --delete”. What comes after that is remembered again.
    .window = Delete them in the settings. What comes after that is remembered again.
failure-history-unwritable = Remembered sign-ins could not be read or written: { $reason }.
    .todo = Make sure that there is space on the disk and that you may write to your own folders, then repeat.
help-history = Show what is remembered of sites that asked, if the setting “history” is on
help-history-delete = Delete them and their key
history-none = Nothing is remembered.
history-off = Nothing is remembered of sites that ask. “latchkey settings set history true” changes that.
history-deleted = Nothing is remembered any more.
history-sign-in = sign-in
history-documents = documents
history-terminal = terminal
history-done = done
history-failed = failed: { $code }
history-not-remembered = This sign-in is not remembered. { $what }

## The place in the tray

tray-open = Open Latchkey
tray-quit = Quit Latchkey: sites cannot reach it then

## Terminals

failure-terminal-rejected = The terminal is not one that your card or this computer accepts.
    .todo = Hand nothing over. Tell the site's operator, or your administrator.
failure-terminal-of-other-site = This terminal belongs to another site than the one that wants to use it.
    .todo = Hand nothing over: somebody may be posing as another site. Open the site that you want by its own address.
failure-terminal-request-other = The terminal answers another request than the one that was checked.
    .todo = Hand nothing over. Open the site anew by its own address, and tell its operator if it happens again.
failure-terminal-malformed = The terminal sent something that is not for a card.
    .todo = Begin anew on the site. If it happens again, tell its operator.
failure-terminal-act-refused = The terminal wanted to do something with your card that you had not agreed to. It was not let.
    .todo = Tell the site's operator.
failure-terminal-session-idle = The site did nothing with your card for two minutes, so the card was closed.
    .todo = Begin anew on the site.
failure-terminal-wrong-order = The site asked for something that does not fit what went before.
    .todo = Load the page again. If it happens again, tell the site's operator.
failure-request-unverifiable = The site's signed request could not be checked: nobody says who asks.
    .todo = Tell the site's operator. An administrator sets up which authorities are believed on this computer.
failure-request-of-other-site = The signed request belongs to another site.
    .todo = Open the site that you want by its own address.
purpose-hand-over-data = to let its terminal read from your card
purpose-renew-key = to have its terminal replace the key for terminals and its certificate; the old key will be gone
purpose-sign-for-terminal = to let its terminal have something signed by your card, which this program cannot see
ask-data = { $origin } asks to let its terminal read from your card.
ask-data-lines = If you agree, the terminal can learn:
ask-data-optional = You may leave these out:
ask-data-agree = Agree? [y/N]{ " " }
ask-data-agree-without = Agree? [y/N, or the numbers that you leave out]{ " " }
ask-consent-terminal = Let this terminal in?
ask-renew-key = The terminal will destroy your card’s key for terminals for good, have the card make a new one, and write a new certificate. Signatures made before stay valid. Do not remove the card meanwhile; if that happens, repeat the command: until it has ended, the card cannot sign at terminals. Your sign-in key and its certificate stay as they are.
renew-issued = The card has a new key for terminals and its certificate.
renew-waiting = The new key is on the card, and its certificate was asked for. The authority has not issued it yet: repeat the command later.
renew-unfinished = The renewal was broken off: until it has ended, the card may not be able to sign at terminals. Repeat the command: it goes on where it stopped.
ask-consent-signature = The terminal wants one signature of your card under something that only the terminal knows. It counts like one by your own hand. Allow it?
serve-terminal-awaited = The card is open and waits for the terminal of { $origin }
serve-terminal-reading = The terminal of { $origin } reads from your card; nothing of what passes can be seen here
serve-terminal-signing = The terminal of { $origin } has your card sign
serve-terminal-number = Terminal { $number }
