### What the agent's window says in English. The three files have the same keys and variables.

program-name = Latchkey

## For what, and for whom

heading-sign-in = Sign in
heading-sign-documents = Sign documents
heading-read-certificates = Show your certificates
heading-change-pin = Change the PIN
heading-unblock-pin = Unblock the PIN
heading-activate-pin = Put the PIN into use
heading-deactivate-pin = Put the PIN out of use
heading-probe = Examine the card
asks-portal = You are signing in to
asks-portal-documents = Documents are to be signed for
asks-holder = You asked for this yourself
nothing-leaves = Nothing leaves this computer.
signature-binds = A signature counts like one by your own hand. Whoever gets the document sees your name and personal number.
sign-documents =
    { $count ->
        [one] The card will make { $count } signature:
       *[other] The card will make { $count } signatures, one for each document:
    }
handed-over = What this site will receive
handed-over-certificate = your certificate: your name, your personal number and what else its issuer wrote into it
handed-over-signature = a signature of your card, good for this site and this one sign-in only
handed-over-signatures = a signature of your card under each document
reader = Card reader: { $reader }

## What to enter

field-pin = PIN of your card
field-pin1 = PIN1 of your card
field-pin2 = PIN2 of your card
field-present-pin = PIN that you have now
field-new-pin = New PIN
field-new-pin-again = The new PIN once more
field-can = CAN, printed on your card
field-puk = PUK, from the letter that came with your card
field-of-digits =
    { $count ->
        [one] { $label }, { $count } digit
       *[other] { $label }, { $count } digits
    }
entered = { $entered } of { $count }
entered-spoken = digit { $entered } of { $count }
entered-none = No digit yet
entered-all = All digits are there
step = Step { $number } of { $count }

## Tries and what they mean

tries =
    { $tries ->
        [one] { $tries } try left
       *[other] { $tries } tries left
    }
tries-after-wrong =
    { $tries ->
        [one] A wrong PIN was entered before: { $tries } try left
       *[other] A wrong PIN was entered before: { $tries } tries left
    }
tries-last = The last try: a wrong PIN will be blocked
tries-of-can = The CAN never blocks
tries-of-pin2 = Enter it with care: the card does not tell how many tries PIN2 has left
tries-of-puk = After ten wrong PUKs the PIN can never be used again

## Dialogues for what is out of the ordinary

last-try-title = Only one try is left
last-try-meaning = If the PIN that you enter now is wrong, your card blocks it. Then only the PUK helps, the 10 digits from the letter that came with the card.
suspended-title = Your PIN is suspended
suspended-meaning = Wrong PINs were entered, and your card is being careful. It takes one more PIN, and only after the CAN. If that PIN is wrong, the card blocks it, and then only the PUK helps.
next = What happens next
next-can = You enter the CAN: the 6 digits printed on the card.
next-pin = You enter the PIN. If it is right, all tries are back.
last-try-unsure = Not sure of your PIN? Choose “Not now”. Nothing is lost.
about-can = The card wants to see that it is in your hands.
about-pin2 = The card wants its second PIN before it signs.
about-new-pin = Choose digits that nobody guesses: no birthday, no row such as 123456.
blocked-meaning = The PIN was wrong too often, so your card has blocked it. The PUK gives all tries back.
unblock-meaning = Your PIN is not blocked. The PUK gives all tries back all the same.
deactivated-meaning = The PIN is out of use: nobody can sign in with this card. With the PUK you put it into use again.
activate-meaning = With the PUK the PIN comes into use.
deactivate-meaning = Afterwards nobody can sign in with this card, you neither, until the PIN is put into use again with the PUK.

## Notices

different = The two entries differ. Choose the new PIN again.
paste-refused = Pasting does not work here: type the digits.
digits-only = Only the digits 0 to 9 count.
closing =
    { $seconds ->
        [one] This question will close in { $seconds } second.
       *[other] This question will close in { $seconds } seconds.
    }

## Buttons

more-time = More time
cancel = Cancel
not-now = Not now
use-last-try = Use the last try
continue = Continue
do-sign-in = Sign in
do-sign-documents = Sign
do-read-certificates = Show
do-change-pin = Change
do-unblock-pin = Unblock
do-activate-pin = Put into use
do-deactivate-pin = Put out of use
do-probe = Examine
pad = Digits to press
pad-erase = Erase the last digit

## Terminals

heading-hand-over-data = Let a terminal read
heading-sign-for-terminal = Sign for a terminal
heading-renew-key = Replace the key for terminals
asks-portal-data = A terminal is to read from your card for
asks-portal-renewal = A terminal is to replace a key of your card for
handed-over-to-terminal = What the terminal can learn and do
who-asks = Who asks, and which terminal
sign-for-terminal-meaning = The terminal wants one signature of your card under something that only the terminal knows. A signature counts like one by your own hand.
sign-for-terminal-pin2-meaning = With PIN2 your card may make one signature for the terminal, under something that only the terminal knows. It counts like one by your own hand. If nothing is to be signed, cancel, and leave the signature out when you are asked again.
renew-key-meaning = The card destroys its key for terminals for good and makes a new one. Signatures made before stay valid. Do not remove the card meanwhile: until it has ended, the card cannot sign at terminals.
do-hand-over-data = Let it read
do-sign-for-terminal = Allow one signature
do-renew-key = Replace the key
