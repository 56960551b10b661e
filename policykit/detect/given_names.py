"""Given names that are common where our word list reads columns: a hint that a column holds people's names.

Compiled by hand from names that everybody knows; a few hundred are enough, because a column of names
holds many of them and a column of other words nearly none. Words that are more often something else
(May, Mark as a verb, Paris, Will) are left out.
"""

from __future__ import annotations

GIVEN_NAMES = frozenset(
    """
    aaron abdul abdullah abigail adam adrian agnes ahmed aicha aino aisha alan albert alejandro aleksander aleksandra
    alessandro alessia alexander alexandra alexandre alexandros alexis alfred alice alicia aline alison allison amanda
    amélie amelie amina amir amy ana anaïs anastasia anders andrea andreas andrei andrew andré andrzej angela angelica
    angelo anita anja ann anna anne annette annika anouk anthony antoine antonia antonio antónio antti anton arjun
    arnaud arthur artur astrid audrey aurélie ayşe barbara bart beata beatrice beatriz ben benjamin bernard bernd
    bianca birgit björn bogdan brandon brenda brian brigitte bruno camille carina carl carla carlos carmen carol
    carolina caroline catarina catherine cécile charlotte chiara chloé chloe chris christian christina christine
    christophe christopher cindy clara claire claudia claudio clément clémence cornelia cristina daan damien dana daniel
    daniela daniele danielle dariusz david deborah denis dennis diana diego dieter dimitri dimitris dirk dominik
    dominique donald donna dorothea eduardo edward eero eeva elena eleni eleonora elias elif elisa elisabeth elise
    elizabeth ella elodie émilie emilia emilie emily emma emmanuel enrique enzo erik erika ernesto esra esther eva
    evelyn fabian fabien fabio farid fatima fatma federica federico felix ferdinand fernanda fernando filip filipe
    florence florian frances francesca francesco francisco franck francois françois frank franz frédéric frederik
    fritz gabriel gabriela gabrielle geneviève george georges georgios gerald gerard gerhard giorgia giorgos giovanni
    giulia giuseppe gonzalo grace greta gregory grzegorz guillaume gustav gustavo hanna hannah hans harald hassan
    heather heidi heikki heinrich heinz helen helena helga helmut henri henrik henry herbert hiroshi holger hugo
    hussein ibrahim ida ines inês inga inge ingrid irene irina iris isabel isabella isabelle ivan jack jacob jacqueline
    jacques jakob jakub james jan jana jane janet janine jari jason javier jean jeanne jeffrey jennifer jens jeremy
    jérôme jessica joan joana joanna joão joao johan johanna johannes john jonas jonathan jordan jörg jorge josé jose
    josef joseph joshua juan juana juha juhani julia julian juliana julie julien juliette julio jürgen jurgen justin
    justyna kaisa kalle karel karen karin karl karolina katarina katarzyna kate katerina katharina kathleen kathrin
    katja katri kelly kenneth kevin khaled kimberly kjell klaus konstantin konstantinos krista kristian kristin
    kristina krzysztof kumar kyle lara lars laszlo laura laurence laurent lauri léa lea leena lena leo leon leonardo
    leonie lina linda lisa liisa lorenzo louis louise luca lucas lucia lucía lucie luis luís luisa lukas łukasz magali
    magdalena maja malgorzata małgorzata manfred manon manuel manuela marc marcel marcin marco marek margaret
    margarita maria maría mariam marianne marie marina mario marion markku markus marta martha martin martina martine
    mary mateo mateusz mathieu mathilde matteo matthew matthias matti maxime maximilian megan mehdi mehmet melanie
    melissa michael michaela michał michel michele michelle miguel mika mikael mikko milan miriam mohamed mohammed
    monica monika monique muhammad mustafa nadia nadine natalia natalie nathalie nathan nicholas nicola nicolas nicole
    niels nikolaos nikos nils nina noah noemi nora norbert nuno olaf ole oleg olga olivia olivier omar oscar oskar otto
    pablo paola paolo pascal patricia patrick patrik paul paula paulina pauline paulo pavel pawel paweł pedro pekka per
    petra petr philip philipp philippe pia pierre pieter piotr priya rachel radu rafael rainer ralf raphael raquel
    raul rebecca regina reinhard renate rené ricardo richard riccardo rita robert roberta roberto robin rodrigo roger
    roland roman romain ronald rosa rosario rui ruth ryan sabine sabrina samantha samuel sander sandra sandrine sanna
    sara sarah sari sascha sean sebastian sébastien sergei sergio sharon silke silvia simon simona simone sofia sofie
    sonia sophia sophie stefan stefania stefanie stefano stella stephan stephane stéphane stephanie stéphanie stephen
    steven susan susana susanne sven svetlana sylvia sylvie tamara tania tanja tatiana teresa terhi theo theresa
    thierry thijs thomas tiago tim timo timothy tobias tomas tomasz torsten tuomas tyler ulrich ulrike ursula uwe
    valentin valentina valeria valérie vanessa vera veronica veronika véronique vicente victor victoria viktor
    vincent vincenzo vladimir walter wei werner wilhelm wolfgang xavier yan yasmin yolanda youssef yusuf yves yvonne
    zeynep zoe zoé zuzana александр алексей анна дмитрий елена иван мария наталья ольга сергей татьяна γιώργος μαρία
    """.split()  # noqa: SIM905  # one table
)
