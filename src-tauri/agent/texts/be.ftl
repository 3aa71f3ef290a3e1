### Што акно агента кажа па-беларуску. У трох файлах адны і тыя ж ключы і зменныя.

program-name = Latchkey

## Для чаго і для каго

heading-sign-in = Уваход
heading-sign-documents = Падпісаць дакументы
heading-read-certificates = Паказаць сертыфікаты
heading-change-pin = Змена PIN-кода
heading-unblock-pin = Разблакіроўка PIN-кода
heading-activate-pin = Уключэнне PIN-кода
heading-deactivate-pin = Адключэнне PIN-кода
asks-portal = Вы ўваходзіце на сайт
asks-portal-documents = Дакументы просіць падпісаць
asks-holder = Вы самі папрасілі пра гэта
nothing-leaves = З гэтага камп’ютара нічога не адпраўляецца.
signature-binds = Подпіс важыць столькі ж, колькі ўласнаручны. Хто атрымае дакумент, убачыць ваша імя і асабісты нумар.
sign-documents =
    { $count ->
        [one] Картка зробіць { $count } подпіс:
        [few] Картка зробіць { $count } подпісы, па адным на дакумент:
       *[other] Картка зробіць { $count } подпісаў, па адным на дакумент:
    }
document = { $name }, { $size }
handed-over = Што атрымае гэты сайт
handed-over-certificate = ваш сертыфікат: імя, асабісты нумар і ўсё іншае, што запісаў у яго выдавец
handed-over-signature = подпіс вашай карткі, прыдатны толькі для гэтага сайта і толькі для гэтага ўваходу
handed-over-signatures = подпіс вашай карткі пад кожным дакументам
reader = Счытвальнік: { $reader }

## Што ўвесці

field-pin = PIN-код вашай карткі
field-present-pin = Цяперашні PIN-код
field-new-pin = Новы PIN-код
field-new-pin-again = Новы PIN-код яшчэ раз
field-can = CAN, надрукаваны на картцы
field-puk = PUK з ліста, атрыманага разам з карткай
field-of-digits =
    { $count ->
        [one] { $label }, { $count } лічба
        [few] { $label }, { $count } лічбы
       *[other] { $label }, { $count } лічбаў
    }
entered = { $entered } з { $count }
entered-spoken = лічба { $entered } з { $count }
entered-none = Пакуль ніводнай лічбы
entered-all = Усе лічбы ўведзены
step = Крок { $number } з { $count }

## Спробы і што яны значаць

tries =
    { $tries ->
        [one] Засталася { $tries } спроба
        [few] Засталося { $tries } спробы
       *[other] Засталося { $tries } спроб
    }
tries-after-wrong =
    { $tries ->
        [one] Перад гэтым увялі няправільны PIN-код: засталася { $tries } спроба
        [few] Перад гэтым увялі няправільны PIN-код: засталося { $tries } спробы
       *[other] Перад гэтым увялі няправільны PIN-код: засталося { $tries } спроб
    }
tries-last = Апошняя спроба: няправільны PIN-код будзе заблакіраваны
tries-of-can = CAN не блакіруецца ніколі
tries-of-puk = Пасля дзесяці няправільных PUK карыстацца PIN-кодам нельга будзе ніколі

## Калі нешта не так, як звычайна

last-try-title = Засталася адна спроба
last-try-meaning = Калі цяпер увесці няправільны PIN-код, картка заблакіруе яго. Тады дапаможа толькі PUK – 10 лічбаў з ліста, атрыманага разам з карткай.
suspended-title = PIN-код прыпынены
suspended-meaning = Уводзілі няправільны PIN-код, і картка асцярожнічае: яна прыме PIN-код яшчэ адзін раз, і толькі пасля CAN. Калі ён акажацца няправільным, картка заблакіруе яго, і тады дапаможа толькі PUK.
next = Што будзе далей
next-can = Вы ўведзяце CAN – 6 лічбаў, надрукаваных на картцы.
next-pin = Вы ўведзяце PIN-код. Калі ён правільны, усе спробы вернуцца.
last-try-unsure = Не ўпэўнены ў PIN-кодзе? Выберыце «Не цяпер»: вы нічога не страціце.
about-can = Картка хоча пераканацца, што яна ў вас у руках.
about-new-pin = Выберыце лічбы, якіх ніхто не адгадае: не дзень нараджэння і не рад накшталт 123456.
blocked-meaning = PIN-код занадта шмат разоў уводзілі няправільна, і картка заблакіравала яго. PUK верне ўсе спробы.
unblock-meaning = Ваш PIN-код не заблакіраваны. PUK усё роўна верне ўсе спробы.
deactivated-meaning = PIN-код адключаны: увайсці з гэтай карткай ніхто не можа. З дапамогай PUK вы зноў яго ўключыце.
activate-meaning = З дапамогай PUK вы ўключыце PIN-код.
deactivate-meaning = Пасля гэтага ніхто, і вы таксама, не ўвойдзе з гэтай карткай, пакуль PIN-код зноў не ўключаць з дапамогай PUK.

## Паведамленні

different = Уведзенае не супала. Выберыце новы PIN-код нанова.
paste-refused = Уставіць сюды нічога нельга: увядзіце лічбы.
digits-only = Тут патрэбны толькі лічбы ад 0 да 9.
closing =
    { $seconds ->
        [one] Гэта пытанне закрыецца праз { $seconds } секунду.
        [few] Гэта пытанне закрыецца праз { $seconds } секунды.
       *[other] Гэта пытанне закрыецца праз { $seconds } секунд.
    }

## Кнопкі

more-time = Больш часу
cancel = Адмена
not-now = Не цяпер
use-last-try = Скарыстаць апошнюю спробу
continue = Далей
do-sign-in = Увайсці
do-sign-documents = Падпісаць
do-read-certificates = Паказаць
do-change-pin = Змяніць
do-unblock-pin = Разблакіраваць
do-activate-pin = Уключыць
do-deactivate-pin = Адключыць
pad = Лічбы для націскання
pad-erase = Сцерці апошнюю лічбу
