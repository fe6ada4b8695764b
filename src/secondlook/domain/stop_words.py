"""Question and function words, which a query leaves out unless there are no others."""

from collections.abc import Mapping

ENGLISH = frozenset(
    (
        "a about an and any are as at be been but by can could did do does for from had has have how i if in "
        "into is it its me my no not of on or our shall should so than that the their them then there these "
        "they this to was we were what when where which who whom why will with would you your"
    ).split()
)
"""Left out so that ``and`` does not ask a document to hold "how" and "do"."""

STOP_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "arabic": "في من على إلى عن مع هل ما ماذا كيف لماذا متى أين هذا هذه ذلك تلك التي الذي أن إن أو ثم لا لم كان"
        " هو هي",
        "catalan": "a al als amb com de del dels el els en es hi i és jo la les li lo ma meu no o on per perquè però"
        " què quan qui quin quina ha se si són també un una uns unes",
        "czech": "a aby ale ani být by co do i jak jaký jaká jaké jako je jsem jsou jsme kde kdo kdy které který"
        " která ke ku k má mám mě můj na nebo o od po pro proč při s se si ta tak ten to u v ve z za ze že",
        "danish": "af at da de den der deres det du efter eller en er et for fra få har havde hun hvad hvem hvilken"
        " hvis hvor hvordan hvorfor hvornår i ikke jeg kan man med men min mit mine må når og om op på skal som så"
        " til ved vi vil være var",
        "dutch": "aan als bij dan dat de der deze die dit door een en er ga had heb hebben heeft het hij hoe hun ik"
        " in is je kan kunnen maar me met mijn moet na naar niet of om onze ook op over te tegen toch tot u uit van"
        " veel voor waar waarom wanneer waren was wat we welke werd wie wij worden wordt zal ze zich zij zijn zo zou",
        "finnish": "ei eli en että hän he ja jos joka jotka kanssa koska kuin kuinka kuka me mihin mikä miksi milloin"
        " minun minä missä mistä miten mitä mutta myös ne niin nyt oli olen on ovat se sen sekä sinä tai tämä te voi"
        " voin",
        "french": "a à ai ainsi as au aux avec avez avons ce ces cet cette comme comment dans de des dois doit"
        " du elle elles en es est et être eu fait faire faut il ils je la le les leur leurs lors ma mais me mes mon"
        " ne nos notre nous on ont ou où par pas peut peux pour pourquoi qu quand que quel quelle quelles quels qui"
        " quoi sa se ses si son sont sur ta te tes toi ton tu un une vos votre vous y",
        "german": "aber als am an auch auf aus bei beim bin bis da damit das dass dein deine dem den denn der des die"
        " dies diese diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er es für haben hat"
        " ich ihr ihre im in ins ist ja kann kannst können man mein meine meinem meinen meiner mich mir mit muss"
        " müssen nach nicht noch nur ob oder ohne sein seine sich sie sind so soll sollen sollte sollten über um und"
        " uns unser unsere vom von vor wann war waren warum was weil welche welchem welchen welcher welches wem wen"
        " wenn wer werden wie wieso wir wird wo wofür woher wohin womit würde zu zum zur",
        "greek": "αν από αυτά αυτή αυτό αυτός για γιατί δεν είμαι είναι ένα ένας έχει έχω η ή θα και κάθε μας με μετά"
        " μη μια μου μπορώ να ο οι όπως όταν ότι πια ποια ποιο ποιος πότε πού πριν προς πώς σαν σας σε στα στη στην"
        " στις στο στον στους τα την της τι τις το τον του τους των ως",
        "hindi": "इस उस एक और का कि किस की के को कब कहाँ कहां कैसे कौन क्या क्यों जब जो तक तो था थी थे ने नहीं पर भी"
        " मेरा मेरी मेरे में मैं यह या ये वह वे से हम ही हूँ है हैं हो होता",
        "hungarian": "a az azt be csak de egy el en és ez ezt fel ha hogy hogyan hol honnan hova ki kell lehet lesz"
        " mert mi miért mikor milyen mint mit nem nincs én ő és vagy van vannak volt",
        "indonesian": "ada adalah agar aku anda apa apakah atau bagaimana bagi bahwa bisa dalam dan dapat dari dengan"
        " di dia ini itu jika kami kapan karena ke kenapa kita mana mengapa mereka oleh pada saat saya sebagai siapa"
        " untuk yang",
        "italian": "a ad ai al alla alle agli allo anche c che chi ci come con cosa cui da dai dal dalla dalle degli"
        " dei del dell della delle dello deve devo di dove e è ed gli ha hai hanno ho i il in io l la le lei lo loro"
        " lui ma mi mia mie miei mio ne nei nel nell nella nelle non noi o per perché più può posso quale quali"
        " quando quanto quella quello questa queste questi questo qui se si sia sono sta su sua sue sui sul sull"
        " sulla suo tra tu tuo un una uno voi",
        "norwegian": "av at da de den der deres det du eller en er et etter for fra få har hadde hun hva hvem hvilken"
        " hvis hvor hvordan hvorfor i ikke jeg kan man med men min mitt mine må når og om opp på skal som så til ved"
        " vi vil være var",
        "persian": "از است اگر اما این آن با باید برای بر به تا چه چرا چطور چگونه چیست خود در را شود کجا که کی کدام"
        " من ما می نه هر هم و یا یک",
        "polish": "a aby albo ale bez być by był czy czym dla do gdy gdzie go i ich ile im ja jak jaka jaki jakie"
        " jako je jej jego jest jestem kiedy kto która które którego który ma mam mnie może mogę można mój my na nad"
        " nie o od oraz po pod przez przy są się skąd ta tak te tego tej ten to tu tym u w we z za ze że",
        "portuguese": "a à ao aos as às até com como da das de dela dele devo do dos e é ela elas ele eles em entre"
        " era essa esse esta está este eu foi há isso isto já lhe mas me meu meus minha minhas na não nas no nos nós"
        " num numa o onde os ou para pela pelas pelo pelos pode podem por porque posso qual quais quando que quem são"
        " se sem ser seu seus sua suas também te tem tenho um uma umas uns você",
        "romanian": "a ai al ale am ar are aș au ca care ce cea cei cel cine cu cum cât când dacă de decât deci din"
        " după e ea ei el este eu fi fie fost în la le lor lui mai mea meu mi nu o pe pentru poate pot prin sau se să"
        " si și sunt un unde unei unui va",
        "russian": "а без бы был была были было быть в вам вас весь во вот все вы где да делать для до его ее если"
        " есть еще же за и из или им их к как какая какие какой когда кого кто ли мне может можно мой моя мы на над"
        " надо нам нас не него нее нет ни них но нужно о об он она они оно от очень по под почему при с сколько со"
        " так также такой там те то того тоже только том ты у уже чего чем что чтобы эта эти это этого этот я",
        "spanish": "a al algo ante como con cómo cuál cuáles cuando cuándo cuánto de debe debo del desde donde dónde"
        " e el él ella ellas ellos en entre era eres es esa ese eso esta está este esto estos fue ha han hasta hay he"
        " la las le les lo los más me mi mis muy nada ni no nos o os otra otro para pero poder por porque pueda puede"
        " puedo qué que quien quién se sea ser si sí sin sobre son su sus también te tiene tu tus un una uno unos y"
        " ya yo",
        "swedish": "allt att av blev bli blir de dem den denna deras dess det detta dig din du då där efter ej eller"
        " en er ett från får för ha hade han har hon hur här i icke inte jag kan man med men mig min mina mitt mot"
        " måste ni nu när någon något och om oss på ska skall som så till under upp ut vad var vara varför vem vi vid"
        " vilka vilken vilket är",
        "turkish": "acaba ama ben bir biz bu bunu da daha de değil diye en gibi hangi hem hep her için ile ise ki kim"
        " mı mi mu mü nasıl ne neden nedir nerede nereye niçin o olan olarak ona onu sen siz şu ve veya var ya yok",
    }.items()
} | {"english": ENGLISH}  # fmt: skip
"""By language, as they are written; a language that is not here leaves nothing out."""

ELIDED = frozenset(
    (
        "ain aren can couldn didn doesn don hadn hasn haven isn mightn mustn needn oughtn shan shouldn wasn weren won"
        " wouldn ll re ve entr jusqu lorsqu presqu puisqu quelqu quoiqu all anch bell coll com cos dall dell dov nell"
        " nient qual quand quant quell quest senz sull tutt"
    ).split()
)
"""Parts of contractions and elisions (don't, jusqu'à, dell'olio) that mean nothing where an apostrophe joins them."""

STOP_STRETCHES = (
    "什么时候 什麼時候 为什么 為什麼 怎么办 怎麼辦 怎么样 怎麼樣 什么 什麼 怎么 怎麼 怎样 怎樣 如何 哪里 哪裡 哪个"
    " 哪個 是否 吗 嗎 どうすれば どうやって どうしたら どうする でしょうか ですか ますか とは何 なぜ"
).split()
"""Questions inside a run of Chinese or Japanese, the longer before the shorter; a query is cut there."""
STOP_PAIRS = frozenset(
    (
        "です ます した して する こと から まで より など ため よう これ それ あれ どれ どう ない ある いる った"
        " たら れば ので のに には では とは へは にも でも もの にす るに どこ いつ だれ"
        " 니다 습니 하는 에서 으로 하나 나요 까요 어떻 떻게 무엇 언제 어디"
    ).split()
)
"""Pairs of letters that are grammar more often than words, in Japanese and Korean."""
