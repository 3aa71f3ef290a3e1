### Что окно агента говорит по-русски. В трёх файлах одни и те же ключи и переменные.

program-name = Latchkey

## Для чего и для кого

heading-sign-in = Вход
heading-sign-documents = Подписать документы
heading-read-certificates = Показать сертификаты
heading-change-pin = Смена PIN-кода
heading-unblock-pin = Разблокировка PIN-кода
heading-activate-pin = Включение PIN-кода
heading-deactivate-pin = Отключение PIN-кода
heading-probe = Исследовать карту
asks-portal = Вы входите на сайт
asks-portal-documents = Документы просит подписать
asks-holder = Вы сами попросили об этом
nothing-leaves = С этого компьютера ничего не уходит.
signature-binds = Подпись значит то же, что собственноручная. Кто получит документ, увидит ваше имя и личный номер.
sign-documents =
    { $count ->
        [one] Карта сделает { $count } подпись:
        [few] Карта сделает { $count } подписи, по одной на документ:
       *[other] Карта сделает { $count } подписей, по одной на документ:
    }
handed-over = Что получит этот сайт
handed-over-certificate = ваш сертификат: имя, личный номер и всё прочее, что записал в него издатель
handed-over-signature = подпись вашей карты, которая годится только для этого сайта и только для этого входа
handed-over-signatures = подпись вашей карты под каждым документом
reader = Считыватель: { $reader }

## Что ввести

field-pin = PIN-код вашей карты
field-pin1 = PIN1 вашей карты
field-pin2 = PIN2 вашей карты
field-present-pin = Нынешний PIN-код
field-new-pin = Новый PIN-код
field-new-pin-again = Новый PIN-код ещё раз
field-can = CAN, напечатанный на карте
field-puk = PUK из письма, полученного вместе с картой
field-of-digits =
    { $count ->
        [one] { $label }, { $count } цифра
        [few] { $label }, { $count } цифры
       *[other] { $label }, { $count } цифр
    }
entered = { $entered } из { $count }
entered-spoken = цифра { $entered } из { $count }
entered-none = Пока ни одной цифры
entered-all = Все цифры введены
step = Шаг { $number } из { $count }

## Попытки и что они значат

tries =
    { $tries ->
        [one] Осталась { $tries } попытка
        [few] Осталось { $tries } попытки
       *[other] Осталось { $tries } попыток
    }
tries-after-wrong =
    { $tries ->
        [one] Перед этим ввели неверный PIN-код: осталась { $tries } попытка
        [few] Перед этим ввели неверный PIN-код: осталось { $tries } попытки
       *[other] Перед этим ввели неверный PIN-код: осталось { $tries } попыток
    }
tries-last = Последняя попытка: неверный PIN-код будет заблокирован
tries-of-can = CAN не блокируется никогда
tries-of-pin2 = Вводите внимательно: карта не говорит, сколько попыток осталось у PIN2
tries-of-puk = После десяти неверных PUK пользоваться PIN-кодом будет нельзя никогда

## Когда что-то не так, как обычно

last-try-title = Осталась одна попытка
last-try-meaning = Если сейчас ввести неверный PIN-код, карта заблокирует его. Тогда поможет только PUK – 10 цифр из письма, полученного вместе с картой.
suspended-title = PIN-код приостановлен
suspended-meaning = Вводили неверный PIN-код, и карта осторожничает: она примет PIN-код ещё один раз, и только после CAN. Если он окажется неверным, карта заблокирует его, и тогда поможет только PUK.
next = Что будет дальше
next-can = Вы введёте CAN – 6 цифр, напечатанных на карте.
next-pin = Вы введёте PIN-код. Если он верный, все попытки вернутся.
last-try-unsure = Не уверены в PIN-коде? Выберите «Не сейчас»: вы ничего не потеряете.
about-can = Карта хочет убедиться, что она у вас в руках.
about-pin2 = Карта спрашивает второй PIN-код, прежде чем подписать.
about-new-pin = Выберите цифры, которых никто не угадает: не день рождения и не ряд вроде 123456.
blocked-meaning = PIN-код слишком много раз вводили неверно, и карта заблокировала его. PUK вернёт все попытки.
unblock-meaning = Ваш PIN-код не заблокирован. PUK всё равно вернёт все попытки.
deactivated-meaning = PIN-код отключён: войти с этой картой никто не может. С помощью PUK вы снова его включите.
activate-meaning = С помощью PUK вы включите PIN-код.
deactivate-meaning = После этого никто, и вы тоже, не войдёт с этой картой, пока PIN-код снова не включат с помощью PUK.

## Сообщения

different = Введённое не совпало. Выберите новый PIN-код заново.
paste-refused = Вставить сюда ничего нельзя: введите цифры.
digits-only = Здесь нужны только цифры от 0 до 9.
closing =
    { $seconds ->
        [one] Этот вопрос закроется через { $seconds } секунду.
        [few] Этот вопрос закроется через { $seconds } секунды.
       *[other] Этот вопрос закроется через { $seconds } секунд.
    }

## Кнопки

more-time = Больше времени
cancel = Отмена
not-now = Не сейчас
use-last-try = Использовать последнюю попытку
continue = Дальше
do-sign-in = Войти
do-sign-documents = Подписать
do-read-certificates = Показать
do-change-pin = Сменить
do-unblock-pin = Разблокировать
do-activate-pin = Включить
do-deactivate-pin = Отключить
do-probe = Исследовать
pad = Цифры для нажатия
pad-erase = Стереть последнюю цифру

## Терминалы

heading-hand-over-data = Позволить терминалу читать
heading-sign-for-terminal = Подписать для терминала
asks-portal-data = Терминал прочитает данные с вашей карты для сайта
handed-over-to-terminal = Что терминал сможет узнать и сделать
who-asks = Кто просит и какой это терминал
sign-for-terminal-meaning = Терминал хочет получить одну подпись вашей карты под тем, что знает только он. Она значит то же, что подпись вашей рукой.
do-hand-over-data = Позволить
do-sign-for-terminal = Позволить одну подпись
