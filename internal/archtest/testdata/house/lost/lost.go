package lost // want doc layer
